namespace ActorMlp.Cluster.Nodes;

/// <summary>How soon a silent node is suspected, and how soon the majority goes on without it. <c>docs/cluster.md</c> says why these values.</summary>
public sealed record FailureDetection
{
    /// <summary>Time between two heartbeats to a node.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Silence, beyond what heartbeats usually take, after which a node is unreachable.</summary>
    public TimeSpan AcceptablePause { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long nothing may change among the unreachable before the majority removes them, and the minority ends itself.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long changes may go on before all nodes end, since the two sides of a split could decide differently.</summary>
    public TimeSpan DownAllAfterUnstable { get; init; } = TimeSpan.FromSeconds(20);
}
