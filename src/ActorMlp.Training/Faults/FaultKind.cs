namespace ActorMlp.Training.Faults;

/// <summary>What can go wrong, or change, in a cluster on purpose.</summary>
public enum FaultKind
{
    /// <summary>A node ends without a word (SIGKILL); with <see cref="Fault.RestartAfter"/> another process starts in its place.</summary>
    Crash,

    /// <summary>A node does nothing for a while and then goes on (SIGSTOP, SIGCONT).</summary>
    Stop,

    /// <summary>A node computes slower by a factor, for a while or from now on.</summary>
    Slow,

    /// <summary>A node leaves in order.</summary>
    Leave,

    /// <summary>A node joins.</summary>
    Join,

    /// <summary>Groups of nodes, or one node and all others, cannot reach each other for a while.</summary>
    Partition,

    /// <summary>Whatever goes over a link takes longer, for a while.</summary>
    Delay,

    /// <summary>A share of what goes over a link is lost, for a while; TCP sends it again.</summary>
    Loss,

    /// <summary>A share of what goes over a link comes twice, for a while; the connection ends over it.</summary>
    Duplicate,

    /// <summary>A share of what goes over a link comes too early, for a while; the connection ends over it.</summary>
    Reorder,

    /// <summary>The next frame on a link comes with a wrong bit; the connection ends over it.</summary>
    Corrupt,

    /// <summary>The disk of whoever keeps the run is full for a while.</summary>
    FillDisk,
}

/// <summary>Which connections a fault of links strikes.</summary>
public enum FaultPlane
{
    /// <summary>All.</summary>
    Both,

    /// <summary>Gradients, weights, state and rows.</summary>
    Bulk,

    /// <summary>Small messages.</summary>
    Control,
}
