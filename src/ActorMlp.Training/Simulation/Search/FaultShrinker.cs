using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Simulation.Search;

/// <summary>Makes a fault script that shows a problem as small as it gets: fewer faults first, then simpler ones.</summary>
public static class FaultShrinker
{
    /// <summary>Shrinks a script.</summary>
    /// <param name="script">A script that fails.</param>
    /// <param name="fails">Whether another one fails.</param>
    /// <param name="attempts">How many scripts may be tried.</param>
    /// <returns>A script that fails, none of whose simplifications does, unless attempts ran out.</returns>
    public static FaultScript Shrink(FaultScript script, Func<FaultScript, bool> fails, int attempts = 1000)
    {
        for (bool smaller = true; smaller;)
        {
            smaller = false;
            foreach (FaultScript candidate in Simpler(script))
            {
                if (attempts-- <= 0)
                {
                    return script;
                }

                if (fails(candidate))
                {
                    (script, smaller) = (candidate, true);
                    break;
                }
            }
        }

        return script;
    }

    /// <summary>Scripts that are a little simpler, the simplest first.</summary>
    private static IEnumerable<FaultScript> Simpler(FaultScript script)
    {
        for (int half = script.Faults.Count / 2; half >= 1; half /= 2)
        {
            for (int first = 0; first < script.Faults.Count; first += half)
            {
                yield return script with { Faults = [.. script.Faults.Take(first), .. script.Faults.Skip(first + half)] };
            }
        }

        for (int i = 0; i < script.Faults.Count; i++)
        {
            foreach (Fault simpler in Simpler(script.Faults[i]))
            {
                yield return script with { Faults = [.. script.Faults.Take(i), simpler, .. script.Faults.Skip(i + 1)] };
            }
        }
    }

    private static IEnumerable<Fault> Simpler(Fault fault)
    {
        if (fault.Every is not null)
        {
            yield return fault with { Every = null, Times = null };
        }

        if (fault.Times > 2)
        {
            yield return fault with { Times = fault.Times - 1 };
        }

        if (fault.At.Random is { } window)
        {
            yield return fault with { At = FaultMoment.AtTime(window.From) };
            yield return fault with { At = FaultMoment.AtTime(Rounded(window.From + (window.To - window.From) / 2)) };
        }

        if (fault.At.Time is { } time)
        {
            foreach (TimeSpan earlier in Shorter(time, TimeSpan.Zero))
            {
                yield return fault with { At = FaultMoment.AtTime(earlier) };
            }
        }

        if (fault.At.Step > 1)
        {
            yield return fault with { At = FaultMoment.AtStep(1) };
            yield return fault with { At = FaultMoment.AtStep(fault.At.Step.Value - 1) };
        }

        foreach (Fault shorter in ShorterTimes(fault))
        {
            yield return shorter;
        }

        if (fault.Factor > 2)
        {
            yield return fault with { Factor = 2 };
        }

        if (fault.Rate < 1)
        {
            yield return fault with { Rate = 1 };
        }

        if (fault.Groups is { Count: > 2 } groups)
        {
            yield return fault with { Groups = [[.. groups[0], .. groups[1]], .. groups.Skip(2)] };
        }
    }

    private static IEnumerable<Fault> ShorterTimes(Fault fault)
    {
        foreach (TimeSpan shorter in Shorter(fault.Duration, TimeSpan.FromMilliseconds(1)))
        {
            yield return fault with { Duration = shorter };
        }

        foreach (TimeSpan shorter in Shorter(fault.RestartAfter, TimeSpan.Zero))
        {
            yield return fault with { RestartAfter = shorter };
        }

        foreach (TimeSpan shorter in Shorter(fault.By, TimeSpan.FromMilliseconds(1)))
        {
            yield return fault with { By = shorter };
        }
    }

    /// <summary>The shortest time that there is, half of it, a tenth less of it, each a whole number of milliseconds.</summary>
    private static IEnumerable<TimeSpan> Shorter(TimeSpan? time, TimeSpan shortest) => time is not { } now
        ? []
        : new[] { shortest, Rounded(now / 2), Rounded(now * 0.9) }.Where(shorter => shorter >= shortest && shorter < now).Distinct();

    private static TimeSpan Rounded(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Floor(time.TotalMilliseconds));
}
