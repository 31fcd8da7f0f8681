using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Chaos;

/// <summary>What is wrong with some links for a while.</summary>
internal sealed record LinkFault
{
    /// <summary>Which links, by the places at their ends.</summary>
    public required Func<int, int, bool> Strikes { get; init; }

    /// <summary>On which planes.</summary>
    public FaultPlane Plane { get; init; }

    /// <summary>Whether nothing comes through.</summary>
    public bool Cuts { get; init; }

    /// <summary>What is added to the time that bytes take.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>The share of segments that TCP must send again.</summary>
    public double Loss { get; init; }

    /// <summary>The share of chunks over which their connection ends.</summary>
    public double Breaks { get; init; }

    /// <summary>Whether it concerns a link.</summary>
    public bool Covers(LinkEnds ends) => (Plane == FaultPlane.Both || Plane == ends.Plane) && Strikes(ends.Low, ends.High);
}

/// <summary>A link: two places and a plane.</summary>
/// <param name="Low">The lower place.</param>
/// <param name="High">The higher place.</param>
/// <param name="Plane">Control or bulk.</param>
internal readonly record struct LinkEnds(int Low, int High, FaultPlane Plane)
{
    /// <summary>The link between two places, in whatever order.</summary>
    public static LinkEnds Between(int one, int other, FaultPlane plane) => new(Math.Min(one, other), Math.Max(one, other), plane);
}
