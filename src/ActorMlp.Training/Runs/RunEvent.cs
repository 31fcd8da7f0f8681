namespace ActorMlp.Training.Runs;

/// <summary>What a run tells those who watch it.</summary>
public abstract record RunEvent;

/// <summary>Data are read and the network is built; training starts.</summary>
public sealed record RunStarted : RunEvent
{
    /// <summary>The run's name with the time at which it started.</summary>
    public required string RunId { get; init; }

    /// <summary>Number of parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>Sizes of the layers, inputs first.</summary>
    public required IReadOnlyList<int> LayerSizes { get; init; }

    /// <summary>Training rows.</summary>
    public required int TrainingRows { get; init; }

    /// <summary>Validation rows.</summary>
    public required int ValidationRows { get; init; }

    /// <summary>Test rows.</summary>
    public required int TestRows { get; init; }

    /// <summary>Epochs of the whole run.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps per epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Steps already committed, where the run is resumed.</summary>
    public required long FirstStep { get; init; }

    /// <summary>Worker actors.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads.</summary>
    public required int Threads { get; init; }

    /// <summary>The instruction set of the kernels.</summary>
    public required string Kernel { get; init; }
}

/// <summary>A step is committed.</summary>
/// <param name="Metrics">Its figures.</param>
public sealed record StepCommittedEvent(StepMetrics Metrics) : RunEvent;

/// <summary>An epoch is finished and evaluated.</summary>
/// <param name="Metrics">Its figures.</param>
public sealed record EpochCompleted(EpochMetrics Metrics) : RunEvent;

/// <summary>What a worker is up to.</summary>
public enum WorkerStatus
{
    /// <summary>It takes part.</summary>
    Active,

    /// <summary>It failed and is being restarted.</summary>
    Restarting,

    /// <summary>It failed too often and was given up.</summary>
    Lost,
}

/// <summary>A worker's standing changed, or its counts are due (after each epoch).</summary>
/// <param name="Worker">The worker's number, 0-based.</param>
/// <param name="Status">What it is up to.</param>
/// <param name="View">The view it works in.</param>
/// <param name="FirstShard">First of its shards of every step.</param>
/// <param name="Shards">Number of its shards of every step.</param>
/// <param name="ShardsComputed">Shards it has computed since it joined.</param>
/// <param name="Failures">How often it failed.</param>
public sealed record WorkerChanged(
    int Worker, WorkerStatus Status, int View, int FirstShard, int Shards, long ShardsComputed, int Failures) : RunEvent;

/// <summary>A checkpoint is safely on disk.</summary>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Path">Where it is.</param>
public sealed record CheckpointSaved(long Step, string Path) : RunEvent;
