using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>Compute your share of a step (from the parameter server).</summary>
/// <param name="Share">Which share.</param>
/// <param name="Ticket">Number of this order: whatever was computed for an older order of the same share is void.</param>
/// <param name="Clock">The step, 0-based.</param>
/// <param name="Version">Updates that are in the weights to compute with.</param>
public sealed record ShareWork(int Share, long Ticket, long Clock, long Version) : IWorkerMessage;

/// <summary>The engine finished a share (from the worker to itself).</summary>
/// <param name="Work">What was asked.</param>
/// <param name="Totals">Rows, loss and hits.</param>
/// <param name="NonFiniteLayer">The first layer, 0-based, of the share's own copy that is not finite; null where there is none.</param>
public sealed record ShareFinished(ShareWork Work, GradientTotals Totals, int? NonFiniteLayer) : IWorkerMessage;

/// <summary>A share of a step is computed (from a worker).</summary>
/// <param name="Worker">Who computed it.</param>
/// <param name="Work">What was asked.</param>
/// <param name="Totals">Rows, loss and hits.</param>
/// <param name="NonFiniteLayer">The first layer, 0-based, of the share's own copy that is not finite; null where there is none.</param>
public sealed record ShareComputed(WorkerId Worker, ShareWork Work, GradientTotals Totals, int? NonFiniteLayer = null)
    : IParameterServerMessage;

/// <summary>The engine applied an update (from the parameter server to itself), in the order in which they were asked for.</summary>
/// <param name="Sequence">Which one.</param>
/// <param name="Report">What it found.</param>
public sealed record ShareUpdateApplied(long Sequence, UpdateReport Report) : IParameterServerMessage;
