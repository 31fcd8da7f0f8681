using System.Text.Json.Serialization;
using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>How a run ended.</summary>
public enum RunStatus
{
    /// <summary>Every epoch was trained.</summary>
    Completed,

    /// <summary>It was asked to stop; its last checkpoint resumes it.</summary>
    Stopped,
}

/// <summary>What <c>summary.json</c> holds, and <c>--format json</c> prints.</summary>
public sealed record RunSummary
{
    /// <summary>The run's name with the time at which it started.</summary>
    public required string RunId { get; init; }

    /// <summary>How it ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>SHA-256 of the model's weights: the run's answer.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>SHA-256 of the weights after the last step; differs where an earlier epoch was best and is kept.</summary>
    public required string LastWeightsSha256 { get; init; }

    /// <summary>Steps committed, those before a resumption included.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs finished.</summary>
    public required int Epochs { get; init; }

    /// <summary>The epoch whose weights the model has.</summary>
    public required int ModelEpoch { get; init; }

    /// <summary>Number of parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>Worker actors.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads.</summary>
    public required int Threads { get; init; }

    /// <summary>The instruction set of the kernels.</summary>
    public required string Kernel { get; init; }

    /// <summary>Rows trained per second, evaluation not included, since start or resumption.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>Seconds from start or resumption to end.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>The last finished epoch on the training rows; null if none was finished.</summary>
    public SplitMetrics? Train { get; init; }

    /// <summary>The model on the validation rows; null without such rows.</summary>
    public SplitMetrics? Validation { get; init; }

    /// <summary>The model on the test rows; null without such rows, or where the run was stopped.</summary>
    public SplitMetrics? Test { get; init; }

    /// <summary>Who did what.</summary>
    public required LedgerSummary Ledger { get; init; }

    /// <summary>What each node did, where the run was on a cluster; else null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<NodeSummary>? Nodes { get; init; }
}

/// <summary>What a node of a cluster did in a run.</summary>
public sealed record NodeSummary
{
    /// <summary>Its control address.</summary>
    public required string Node { get; init; }

    /// <summary>The instruction set of its kernels.</summary>
    public required string Kernel { get; init; }

    /// <summary>Compute threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Steps that it computed a part of, since start or resumption.</summary>
    public required long Steps { get; init; }

    /// <summary>Bytes of gradients that it sent to other nodes, frame heads included.</summary>
    public required long GradientBytes { get; init; }

    /// <summary>Bytes of weights that it sent to other nodes, frame heads included.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of both, a step.</summary>
    public required double BytesPerStep { get; init; }
}

/// <summary>The ledger's counts.</summary>
[MessagePackObject]
public sealed record LedgerSummary
{
    /// <summary>Shards counted in committed steps, each exactly once.</summary>
    [Key(0)]
    public required long ShardsCommitted { get; init; }

    /// <summary>Shards dealt again because their worker was lost, had others in a newer view, or was late.</summary>
    [Key(1)]
    public required long ShardsReissued { get; init; }

    /// <summary>Results that came a second time and were dropped.</summary>
    [Key(2)]
    public required long DuplicatesDropped { get; init; }

    /// <summary>Shards that a second worker computed too, with the same bits (training.verifyFraction).</summary>
    [Key(3)]
    public long ShardsVerified { get; init; }

    /// <summary>Of those that were dealt again, the shards that another worker computed too as theirs was late (cluster.stragglerFactor).</summary>
    [Key(4)]
    public long ShardsLate { get; init; }

    /// <summary>Shards that were computed in vain: another worker's copy had come, or the step was over.</summary>
    [Key(5)]
    public long ShardsInVain { get; init; }

    /// <summary>These counts and those of another step.</summary>
    /// <param name="step">What the step was made of.</param>
    /// <param name="shards">Shards that are counted in it.</param>
    public LedgerSummary With(StepAccount step, int shards) => new()
    {
        ShardsCommitted = ShardsCommitted + shards,
        ShardsReissued = ShardsReissued + step.Redealt.Sum(redealt => redealt.Count),
        DuplicatesDropped = DuplicatesDropped + step.DuplicatesDropped,
        ShardsVerified = ShardsVerified + step.ShardsVerified,
        ShardsLate = ShardsLate + step.Redealt.Where(redealt => redealt.Reason == RedealReason.Late).Sum(redealt => redealt.Count),
        ShardsInVain = ShardsInVain + step.ShardsInVain,
    };
}
