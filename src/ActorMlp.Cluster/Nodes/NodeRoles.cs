namespace ActorMlp.Cluster.Nodes;

/// <summary>What a node may be asked to do.</summary>
public static class NodeRoles
{
    /// <summary>It computes gradients.</summary>
    public const string Worker = "worker";

    /// <summary>It holds a range of the parameters, or stands by for one.</summary>
    public const string ParameterServer = "parameter-server";

    /// <summary>It may run coordinators.</summary>
    public const string Coordinator = "coordinator";

    /// <summary>All roles.</summary>
    public static IReadOnlyList<string> All { get; } = [Worker, ParameterServer, Coordinator];
}
