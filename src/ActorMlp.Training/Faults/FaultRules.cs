namespace ActorMlp.Training.Faults;

/// <summary>Keys of a fault that only some kinds take, by the names that scripts have for them.</summary>
/// <param name="Required">Those that must be there.</param>
/// <param name="Optional">Those that may be.</param>
/// <param name="Targets">What it may be aimed at; empty where it takes no target.</param>
/// <param name="Default">What it is aimed at if nothing is said; null where a target must be given.</param>
public sealed record FaultRules(
    IReadOnlyList<string> Required, IReadOnlyList<string> Optional, IReadOnlyList<FaultTargetKind> Targets, FaultTarget? Default)
{
    private static readonly FaultTargetKind[] OneNode =
    [
        FaultTargetKind.Node, FaultTargetKind.Coordinator, FaultTargetKind.Lead, FaultTargetKind.ParameterServer, FaultTargetKind.Worker, FaultTargetKind.Random,
    ];

    private static readonly FaultTargetKind[] Nodes = [.. OneNode, FaultTargetKind.All];

    private static readonly FaultTargetKind[] Links = [.. Nodes, FaultTargetKind.Pair];

    /// <summary>The rules of a kind.</summary>
    public static FaultRules Of(FaultKind kind) => kind switch
    {
        FaultKind.Crash => new(["target"], ["restartAfter"], OneNode, null),
        FaultKind.Stop => new(["target", "duration"], [], Nodes, null),
        FaultKind.Slow => new(["target", "factor"], ["duration"], Nodes, null),
        FaultKind.Leave => new(["target"], [], OneNode, null),
        FaultKind.Join => new([], [], [], null),
        FaultKind.Partition => new(["duration"], ["target", "groups"], OneNode, null),
        FaultKind.Delay => new(["by", "duration"], ["target", "plane"], Links, FaultTarget.All),
        FaultKind.Loss or FaultKind.Duplicate or FaultKind.Reorder => new(["rate", "duration"], ["target", "plane"], Links, FaultTarget.All),
        FaultKind.Corrupt => new([], ["target", "plane"], Links, FaultTarget.All),
        FaultKind.FillDisk => new(["duration"], ["target"], [FaultTargetKind.Keeper], FaultTarget.Keeper),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "is no kind of fault"),
    };

    /// <summary>Whether the kind takes a key.</summary>
    public bool Takes(string key) => Required.Contains(key) || Optional.Contains(key);
}
