using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Consistency;

/// <summary>Compute your share of a step, or of all steps of a round (from the parameter server).</summary>
/// <param name="Share">Which share.</param>
/// <param name="Ticket">Number of this order: whatever was computed for an older order of the same share is void.</param>
/// <param name="Clock">The step, 0-based; of a round, the first.</param>
/// <param name="Version">Updates that are in the weights to compute with.</param>
/// <param name="Steps">Steps of the round, where the share trains a copy; else 1.</param>
/// <param name="Arrangement">Number of the arrangement whose parameter server orders it: what another ordered counts no more.</param>
[MessagePackObject]
public sealed record ShareWork(
    [property: Key(0)] int Share,
    [property: Key(1)] long Ticket,
    [property: Key(2)] long Clock,
    [property: Key(3)] long Version,
    [property: Key(4)] int Steps = 1,
    [property: Key(5)] int Arrangement = 0) : IWorkerMessage;

/// <summary>The engine finished a share (from the worker to itself).</summary>
/// <param name="Work">What was asked.</param>
/// <param name="Totals">Rows, loss and hits of each step, up to the one that was not finite; none if the order was void by then.</param>
/// <param name="NonFiniteLayer">The first layer, 0-based, of the share's own copy that is not finite; null where there is none.</param>
public sealed record ShareFinished(ShareWork Work, IReadOnlyList<GradientTotals> Totals, int? NonFiniteLayer) : IWorkerMessage;

/// <summary>A share is computed (from a worker).</summary>
/// <param name="Worker">Who computed it.</param>
/// <param name="Work">What was asked.</param>
/// <param name="Totals">Rows, loss and hits of each step, up to the one that was not finite.</param>
/// <param name="NonFiniteLayer">The first layer, 0-based, of the share's own copy that is not finite; null where there is none.</param>
[MessagePackObject]
public sealed record ShareComputed(
    [property: Key(0)] WorkerId Worker,
    [property: Key(1)] ShareWork Work,
    [property: Key(2)] IReadOnlyList<GradientTotals> Totals,
    [property: Key(3)] int? NonFiniteLayer = null) : IParameterServerMessage;

/// <summary>The engine applied an update (from the parameter server to itself), in the order in which they were asked for.</summary>
/// <param name="Sequence">Which one.</param>
/// <param name="Report">What it found.</param>
public sealed record ShareUpdateApplied(long Sequence, UpdateReport Report) : IParameterServerMessage;
