using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>The first line of a log of updates: which run it is of.</summary>
public sealed record UpdateLogHeader
{
    /// <summary>What <see cref="Format"/> is in this version.</summary>
    public const string CurrentFormat = "actormlp-updates-1";

    /// <summary>What the file is.</summary>
    public required string Format { get; init; }

    /// <summary>Hash over all that decides the bits, but for the order of updates and the number of workers.</summary>
    public required string RunSha256 { get; init; }

    /// <summary>The mode.</summary>
    public required ConsistencyMode Mode { get; init; }

    /// <summary>Workers that the run was started with.</summary>
    public required int Workers { get; init; }

    /// <summary>The header of a run.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="workers">Workers that it was started with.</param>
    public static UpdateLogHeader Of(RunSetup setup, int workers) => new()
    {
        Format = CurrentFormat,
        RunSha256 = RunOptionsJson.IdentitySha256(setup.Options, setup.Data.ContentSha256),
        Mode = setup.Options.Training.Consistency.Mode,
        Workers = workers,
    };
}
