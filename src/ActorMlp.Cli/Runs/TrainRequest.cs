using ActorMlp.Cli.Configuration;

namespace ActorMlp.Cli.Runs;

/// <summary>What <c>actormlp train</c> was asked.</summary>
internal sealed record TrainRequest
{
    public required string ConfigurationFile { get; init; }

    public required RunOverrides Overrides { get; init; }

    public string? OutputDirectory { get; init; }

    public bool Resume { get; init; }

    public bool Quiet { get; init; }

    public bool Json { get; init; }

    public bool Verbose { get; init; }
}
