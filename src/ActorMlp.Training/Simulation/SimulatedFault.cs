using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Simulation;

/// <summary>What may go wrong, or change, in a simulated cluster.</summary>
public enum SimulatedFaultKind
{
    /// <summary>A process ends without a word; another joins in its place after a while.</summary>
    Crash,

    /// <summary>A process does nothing for a while, and then goes on.</summary>
    Stop,

    /// <summary>A node computes slower by a factor, from now on.</summary>
    Slow,

    /// <summary>A node leaves in order.</summary>
    Leave,

    /// <summary>A node joins.</summary>
    Join,

    /// <summary>A node cannot be reached for a while.</summary>
    Partition,

    /// <summary>Every message takes longer for a while.</summary>
    Delay,
}

/// <summary>Something that happens to a simulated cluster, in short; see <see cref="FaultScript"/> for all that can happen.</summary>
/// <param name="At">When.</param>
/// <param name="Kind">What.</param>
/// <param name="Node">To whom, as a number that is folded onto the nodes that are there; negative for the coordinator's.</param>
/// <param name="Duration">For how long, or until a crashed node is back.</param>
/// <param name="Factor">How much slower.</param>
public sealed record SimulatedFault(TimeSpan At, SimulatedFaultKind Kind, int Node, TimeSpan Duration, double Factor = 1)
{
    internal DueFault AsDue()
    {
        bool lasts = Kind is SimulatedFaultKind.Stop or SimulatedFaultKind.Partition or SimulatedFaultKind.Delay;
        var fault = new Fault
        {
            Kind = Enum.Parse<FaultKind>(Kind.ToString()),
            At = FaultMoment.AtTime(At),
            Target = Kind == SimulatedFaultKind.Delay ? FaultTarget.All : Node < 0 ? new FaultTarget(FaultTargetKind.Coordinator) : FaultTarget.Random,
            Duration = lasts ? Duration : null,
            RestartAfter = Kind == SimulatedFaultKind.Crash ? Duration : null,
            Factor = Factor,
            By = Duration / 100,
        };
        return new DueFault(fault, 0, 0, At, (uint)Math.Abs(Node));
    }
}
