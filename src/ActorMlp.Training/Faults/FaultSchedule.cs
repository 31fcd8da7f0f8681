using ActorMlp.Engine.Random;

namespace ActorMlp.Training.Faults;

/// <summary>A fault whose moment has come.</summary>
/// <param name="Fault">Which.</param>
/// <param name="Index">Its place in the script, from 0.</param>
/// <param name="Occurrence">How often it came before.</param>
/// <param name="Moment">When it was due, since the beginning of the run.</param>
/// <param name="Choice">Decides what the target leaves open: folded onto those that it may strike.</param>
public sealed record DueFault(Fault Fault, int Index, int Occurrence, TimeSpan Moment, uint Choice)
{
    /// <summary>The one that is chosen of those that the fault may strike, in an order that everybody knows; default for none.</summary>
    public T? ChooseFrom<T>(IReadOnlyList<T> candidates) => candidates.Count == 0 ? default : candidates[(int)(Choice % (uint)candidates.Count)];
}

/// <summary>
/// When the faults of a script strike: random moments and choices are functions of the seed, the fault's place and how often it came before. No clock: whoever
/// carries the faults out tells how far the run is. Each occurrence is given once.
/// </summary>
public sealed class FaultSchedule
{
    private readonly CounterRandom random;
    private readonly Pending[] pending;

    /// <summary>A schedule before the run's beginning.</summary>
    /// <param name="script">What happens; it breaks none of <see cref="FaultScriptValidator"/>'s rules.</param>
    public FaultSchedule(FaultScript script)
    {
        random = new CounterRandom(script.Seed, RandomPurpose.Faults);
        pending = [.. script.Faults.Select((fault, i) => new Pending(fault, i))];
        foreach (Pending one in pending)
        {
            one.Next = one.Fault.At.Step is null ? MomentOf(one) : null;
        }
    }

    /// <summary>The earliest time at which something is due by the clock; null for none.</summary>
    public TimeSpan? NextTime => pending.Min(one => one.Next);

    /// <summary>The lowest number of committed steps at which something is due; null for none.</summary>
    public long? NextStep => pending.Min(one => one.AwaitedStep);

    /// <summary>What is due and was not given before, in the order of moments.</summary>
    /// <param name="step">Steps committed.</param>
    /// <param name="elapsed">Time since the beginning of the run.</param>
    public IReadOnlyList<DueFault> Due(long step, TimeSpan elapsed)
    {
        var due = new List<DueFault>();
        foreach (Pending one in pending)
        {
            if (one.AwaitedStep <= step)
            {
                (one.Begin, one.Next) = (elapsed, elapsed);
            }

            while (one.Next <= elapsed)
            {
                uint choice = random.Bits((ulong)one.Occurrence, (uint)one.Index, 0);
                due.Add(new DueFault(one.Fault, one.Index, one.Occurrence, one.Next.Value, choice));
                one.Occurrence++;
                one.Next = one.Fault.Every is null || one.Occurrence >= one.Fault.Times ? null : MomentOf(one);
            }
        }

        return [.. due.OrderBy(one => one.Moment).ThenBy(one => one.Index)];
    }

    private TimeSpan MomentOf(Pending one)
    {
        TimeSpan later = (one.Fault.Every ?? TimeSpan.Zero) * one.Occurrence;
        return one.Fault.At switch
        {
            { Time: { } time } => time + later,
            { Random: { } window } => window.From + later
                + (window.To - window.From) * random.Uniform((ulong)one.Occurrence, (uint)one.Index, 1),
            _ => one.Begin + later,
        };
    }

    private sealed class Pending(Fault fault, int index)
    {
        public Fault Fault => fault;

        public int Index => index;

        public int Occurrence { get; set; }

        /// <summary>When its step was there.</summary>
        public TimeSpan Begin { get; set; }

        public TimeSpan? Next { get; set; }

        public long? AwaitedStep => Occurrence == 0 && Next is null ? fault.At.Step : null;
    }
}
