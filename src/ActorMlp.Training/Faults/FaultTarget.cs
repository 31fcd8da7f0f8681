namespace ActorMlp.Training.Faults;

/// <summary>What kind of thing a fault is aimed at.</summary>
public enum FaultTargetKind
{
    /// <summary>A node by its number: from 0 in the order in which they were started; who is restarted keeps the number.</summary>
    Node,

    /// <summary>The link between two nodes.</summary>
    Pair,

    /// <summary>The node with the coordinator.</summary>
    Coordinator,

    /// <summary>The parameter server that opens and commits steps.</summary>
    Lead,

    /// <summary>One of the nodes that hold parameters.</summary>
    ParameterServer,

    /// <summary>One of the nodes that compute shards.</summary>
    Worker,

    /// <summary>One of the nodes that are there.</summary>
    Random,

    /// <summary>Every node, or every link.</summary>
    All,

    /// <summary>Whoever submitted the run and keeps its checkpoints.</summary>
    Keeper,
}

/// <summary>Whom a fault strikes; what leaves a choice is decided when it strikes, by <see cref="DueFault.Choice"/>.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Node">The node's number; for a pair the first one's; else 0.</param>
/// <param name="Other">The other node's number of a pair; else 0.</param>
public sealed record FaultTarget(FaultTargetKind Kind, int Node = 0, int Other = 0)
{
    /// <summary>One of the nodes that are there.</summary>
    public static FaultTarget Random { get; } = new(FaultTargetKind.Random);

    /// <summary>Every node, or every link.</summary>
    public static FaultTarget All { get; } = new(FaultTargetKind.All);

    /// <summary>Whoever keeps the run.</summary>
    public static FaultTarget Keeper { get; } = new(FaultTargetKind.Keeper);

    /// <summary>A node.</summary>
    public static FaultTarget Of(int node) => new(FaultTargetKind.Node, node);

    /// <summary>As a fault script writes it.</summary>
    public override string ToString() => Kind switch
    {
        FaultTargetKind.Node => $"{Node}",
        FaultTargetKind.Pair => $"[{Node}, {Other}]",
        _ => char.ToLowerInvariant(Kind.ToString()[0]) + Kind.ToString()[1..],
    };
}
