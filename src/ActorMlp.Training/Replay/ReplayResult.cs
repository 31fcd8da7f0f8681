using ActorMlp.Training.Configuration;

namespace ActorMlp.Training.Replay;

/// <summary>What a replay found.</summary>
public sealed record ReplayResult
{
    /// <summary>Whether the replay ended with the run's weights, and met nothing else on the way.</summary>
    public bool Equal => Differences.Count == 0;

    /// <summary>The mode of the run.</summary>
    public required ConsistencyMode Mode { get; init; }

    /// <summary>Steps that were computed again.</summary>
    public required long Steps { get; init; }

    /// <summary>Updates of the log; null where the run has none.</summary>
    public required long? Updates { get; init; }

    /// <summary>Hash of the weights that the run keeps, as they were computed again; null where the log tells of no run.</summary>
    public required string? WeightsSha256 { get; init; }

    /// <summary>Hash that the run states.</summary>
    public required string ExpectedSha256 { get; init; }

    /// <summary>What differs, the first thing first.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
}
