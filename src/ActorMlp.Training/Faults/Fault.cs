namespace ActorMlp.Training.Faults;

/// <summary>Something that is to happen to a cluster. Which of the values a kind takes, <see cref="FaultRules"/> says.</summary>
public sealed record Fault
{
    /// <summary>What.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>When, for the first time.</summary>
    public required FaultMoment At { get; init; }

    /// <summary>How long after the first time the next one comes, and so on; null for once. With a random moment each is drawn in a window of its own.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>How often in all, with <see cref="Every"/>; null for as long as the run lasts.</summary>
    public int? Times { get; init; }

    /// <summary>Whom it strikes; null where <see cref="Groups"/> or the kind say it.</summary>
    public FaultTarget? Target { get; init; }

    /// <summary>A partition's groups of node numbers; whoever is not named belongs to the first group, and so does the keeper.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Groups { get; init; }

    /// <summary>For how long.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>How long after a crash another process starts in the node's place; null for never.</summary>
    public TimeSpan? RestartAfter { get; init; }

    /// <summary>How much slower.</summary>
    public double? Factor { get; init; }

    /// <summary>By how much a message is delayed.</summary>
    public TimeSpan? By { get; init; }

    /// <summary>The share of messages that are struck, above 0 and up to 1.</summary>
    public double? Rate { get; init; }

    /// <summary>Which connections are struck.</summary>
    public FaultPlane Plane { get; init; }
}

/// <summary>Faults that are to happen to a cluster, simulated or real.</summary>
public sealed record FaultScript
{
    /// <summary>Nothing goes wrong.</summary>
    public static FaultScript None { get; } = new();

    /// <summary>Decides random moments and choices.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>What happens.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];
}
