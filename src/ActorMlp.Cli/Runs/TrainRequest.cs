using ActorMlp.Cli.Configuration;
using ActorMlp.Cluster.Nodes;

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

    /// <summary>Node processes to start on this machine; null to train in this one.</summary>
    public int? Processes { get; init; }

    /// <summary>The cluster to train on; null for none.</summary>
    public ClusterTarget? Cluster { get; init; }
}

/// <summary>A cluster to train on.</summary>
/// <param name="Client">How this process talks with its nodes.</param>
/// <param name="Contacts">Some of its nodes.</param>
internal sealed record ClusterTarget(NodeOptions Client, IReadOnlyList<string> Contacts);
