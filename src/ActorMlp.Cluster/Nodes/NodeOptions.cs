namespace ActorMlp.Cluster.Nodes;

/// <summary>A node of a cluster.</summary>
public sealed record NodeOptions
{
    /// <summary>Where the control plane listens; port 0 for any free port.</summary>
    public required NodeAddress Listen { get; init; }

    /// <summary>Name or address under which other nodes reach this one; null for the host of <see cref="Listen"/>.</summary>
    public string? PublicHost { get; init; }

    /// <summary>
    /// Nodes to join: <c>host:port</c>, where the host is that node's public one, or <c>dns:name:port</c> for a name that resolves to the addresses of all
    /// nodes. Empty to form a cluster.
    /// </summary>
    public IReadOnlyList<string> Join { get; init; } = [];

    /// <summary>With <c>dns:</c>, how many addresses the name must resolve to before a cluster may be formed.</summary>
    public int RequiredContacts { get; init; } = 1;

    /// <summary>Whether it becomes a member; otherwise it only talks with nodes, as whoever submits a run does.</summary>
    public bool Member { get; init; } = true;

    /// <summary>Port of the bulk plane; 0 for any free port.</summary>
    public int BulkPort { get; init; }

    /// <summary>What the node may be asked to do.</summary>
    public IReadOnlyList<string> Roles { get; init; } = NodeRoles.All;

    /// <summary>The node's folder; it is made if need be.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Who may talk to the node.</summary>
    public NodeSecurity Security { get; init; } = NodeSecurity.LoopbackOnly;

    /// <summary>How failures are detected.</summary>
    public FailureDetection FailureDetection { get; init; } = new();

    /// <summary>How long the first node of <see cref="Join"/> asks the others for a cluster before it forms one.</summary>
    public TimeSpan FormAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The host that other nodes know.</summary>
    public string AdvertisedHost => (PublicHost ?? Listen.Host).ToLowerInvariant();
}
