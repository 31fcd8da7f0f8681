namespace ActorMlp.Training.Faults;

/// <summary>When a fault strikes for the first time: exactly one of the three is set.</summary>
/// <param name="Step">As soon as so many steps are committed.</param>
/// <param name="Time">So long after the beginning of the run.</param>
/// <param name="Random">At a moment that the seed decides.</param>
public sealed record FaultMoment(long? Step, TimeSpan? Time, FaultWindow? Random)
{
    /// <summary>As soon as so many steps are committed.</summary>
    public static FaultMoment AtStep(long step) => new(step, null, null);

    /// <summary>So long after the beginning.</summary>
    public static FaultMoment AtTime(TimeSpan time) => new(null, time, null);

    /// <summary>At a moment that the seed decides.</summary>
    public static FaultMoment Between(TimeSpan from, TimeSpan to) => new(null, null, new FaultWindow(from, to));
}

/// <summary>From when to when, since the beginning of the run; in it a moment is drawn, evenly.</summary>
/// <param name="From">Not before.</param>
/// <param name="To">Before.</param>
public sealed record FaultWindow(TimeSpan From, TimeSpan To);
