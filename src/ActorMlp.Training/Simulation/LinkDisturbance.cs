using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Simulation;

/// <summary>What is wrong with some links for a while.</summary>
internal sealed class LinkDisturbance
{
    /// <summary>Which links, by the names of the processes at their ends.</summary>
    public required Func<int, int, bool> Strikes { get; init; }

    /// <summary>On which planes.</summary>
    public FaultPlane Plane { get; init; }

    /// <summary>Whether nothing comes through.</summary>
    public bool Cuts { get; init; }

    /// <summary>What is added to the latency.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>The share of messages that TCP must send again.</summary>
    public double LossRate { get; init; }

    /// <summary>Until when messages get lost: what is sent again later comes through.</summary>
    public TimeSpan Until { get; init; }

    /// <summary>The share of messages over which the connection ends.</summary>
    public double BreakRate { get; init; }

    /// <summary>Whether only the next message is struck.</summary>
    public bool Once { get; init; }

    /// <summary>Whether it strikes what one process sends another.</summary>
    public bool Covers(int from, int to, Plane plane) =>
        (Plane == FaultPlane.Both || Plane == FaultPlane.Bulk == (plane == Simulation.Plane.Bulk)) && Strikes(from, to);
}
