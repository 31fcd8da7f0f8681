using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>What a run tells those who watch it.</summary>
public abstract record RunEvent;

/// <summary>Data are read and the network is built; training starts.</summary>
[MessagePackObject]
public sealed record RunStarted : RunEvent
{
    /// <summary>The run's name with the time at which it started.</summary>
    [Key(0)]
    public required string RunId { get; init; }

    /// <summary>Number of parameters.</summary>
    [Key(1)]
    public required long Parameters { get; init; }

    /// <summary>Sizes of the layers, inputs first.</summary>
    [Key(2)]
    public required IReadOnlyList<int> LayerSizes { get; init; }

    /// <summary>Training rows.</summary>
    [Key(3)]
    public required int TrainingRows { get; init; }

    /// <summary>Validation rows.</summary>
    [Key(4)]
    public required int ValidationRows { get; init; }

    /// <summary>Test rows.</summary>
    [Key(5)]
    public required int TestRows { get; init; }

    /// <summary>Epochs of the whole run.</summary>
    [Key(6)]
    public required int Epochs { get; init; }

    /// <summary>Steps per epoch.</summary>
    [Key(7)]
    public required int StepsPerEpoch { get; init; }

    /// <summary>Steps already committed, where the run is resumed.</summary>
    [Key(8)]
    public required long FirstStep { get; init; }

    /// <summary>Worker actors.</summary>
    [Key(9)]
    public required int Workers { get; init; }

    /// <summary>Compute threads.</summary>
    [Key(10)]
    public required int Threads { get; init; }

    /// <summary>The instruction set of the kernels.</summary>
    [Key(11)]
    public required string Kernel { get; init; }
}

/// <summary>A step is committed.</summary>
/// <param name="Metrics">Its figures.</param>
[MessagePackObject]
public sealed record StepCommittedEvent([property: Key(0)] StepMetrics Metrics) : RunEvent
{
    /// <summary>On a cluster, steps that follow each other faster are told of together: a message a step took 1 ms of a core, of 7 that the step needs (2 cores, batch 256, one process).</summary>
    public static readonly TimeSpan ToldEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Who computed it; null where no ledger is kept.</summary>
    [Key(1)]
    public StepAccount? Account { get; init; }
}

/// <summary>An epoch is finished and evaluated.</summary>
/// <param name="Metrics">Its figures.</param>
[MessagePackObject]
public sealed record EpochCompleted([property: Key(0)] EpochMetrics Metrics) : RunEvent;

/// <summary>What a worker is up to.</summary>
public enum WorkerStatus
{
    /// <summary>It takes part.</summary>
    Active,

    /// <summary>It failed and is being restarted.</summary>
    Restarting,

    /// <summary>It failed too often and was given up, or its node is gone.</summary>
    Lost,

    /// <summary>Its node left in order.</summary>
    Left,
}

/// <summary>A worker's standing changed, or its counts are due (after each epoch).</summary>
/// <param name="Worker">The worker's number, 0-based.</param>
/// <param name="Status">What it is up to.</param>
/// <param name="View">The view it works in.</param>
/// <param name="FirstShard">First of its shards of every step.</param>
/// <param name="Shards">Number of its shards of every step.</param>
/// <param name="ShardsComputed">Shards it has computed since it joined.</param>
/// <param name="Failures">How often it failed.</param>
[MessagePackObject]
public sealed record WorkerChanged(
    [property: Key(0)] int Worker,
    [property: Key(1)] WorkerStatus Status,
    [property: Key(2)] int View,
    [property: Key(3)] int FirstShard,
    [property: Key(4)] int Shards,
    [property: Key(5)] long ShardsComputed,
    [property: Key(6)] int Failures) : RunEvent;

/// <summary>A checkpoint is safely on disk.</summary>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Path">Where it is.</param>
[MessagePackObject]
public sealed record CheckpointSaved([property: Key(0)] long Step, [property: Key(1)] string Path) : RunEvent;

/// <summary>What was trained since the last checkpoint is lost, and is trained again; to the same bits, unless the run leaves the order of updates open.</summary>
/// <param name="Step">Steps committed in the checkpoint.</param>
/// <param name="Reason">What was lost.</param>
/// <param name="MayDiffer">Whether the order of updates is left open, so that they may be applied in another.</param>
/// <param name="View">The first view in which steps may be computed from then on; 0 where views are numbered anew.</param>
[MessagePackObject]
public sealed record RunRewound(
    [property: Key(0)] long Step, [property: Key(1)] string Reason, [property: Key(2)] bool MayDiffer = false, [property: Key(3)] int View = 0) : RunEvent;

/// <summary>A parameter server was lost, and its standby goes on: no step that was committed is lost.</summary>
/// <param name="Step">Steps known to be committed.</param>
/// <param name="Reason">What was lost.</param>
[MessagePackObject]
public sealed record StandbyTookOver([property: Key(0)] long Step, [property: Key(1)] string Reason) : RunEvent;

/// <summary>Nothing was heard of the run for long: a message may have been lost, so everything is said again.</summary>
/// <param name="Step">Steps known to be committed.</param>
/// <param name="SilenceMilliseconds">For how long.</param>
[MessagePackObject]
public sealed record RunStalled([property: Key(0)] long Step, [property: Key(1)] double SilenceMilliseconds) : RunEvent;

/// <summary>The coordinator was lost, and another took the run over where it stands: no step that was committed is lost.</summary>
/// <param name="Step">Steps known to be committed.</param>
[MessagePackObject]
public sealed record CoordinatorTookOver([property: Key(0)] long Step) : RunEvent;

/// <summary>The run waits for more nodes.</summary>
/// <param name="Workers">Workers that are there.</param>
/// <param name="MinimumWorkers">Workers that it takes.</param>
/// <param name="Servers">Parameter servers that are there; it takes one.</param>
[MessagePackObject]
public sealed record RunWaiting(
    [property: Key(0)] int Workers, [property: Key(1)] int MinimumWorkers, [property: Key(2)] int Servers) : RunEvent;

/// <summary>A view stands: from now on shards are dealt by it.</summary>
/// <param name="View">Which.</param>
/// <param name="Coordinator">The node with the coordinator, <c>host:port</c>; null within one process.</param>
[MessagePackObject]
public sealed record ViewStands([property: Key(0)] View View, [property: Key(1)] string? Coordinator = null) : RunEvent;

/// <summary>Who is in the run; replaces what was said before.</summary>
/// <param name="Nodes">The address of each node, by its number, which its worker has too.</param>
public sealed record MembersKnown(IReadOnlyDictionary<int, string> Nodes) : RunEvent;

/// <summary>Something that whoever started the run should know.</summary>
/// <param name="Text">What.</param>
public sealed record RunNotice(string Text) : RunEvent;

/// <summary>A node cannot take part in the run.</summary>
/// <param name="Node">Which.</param>
/// <param name="Reasons">Why, for the user.</param>
public sealed record NodeWasRefused(string Node, IReadOnlyList<string> Reasons) : RunEvent;
