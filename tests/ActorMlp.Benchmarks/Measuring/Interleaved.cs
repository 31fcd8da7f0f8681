using System.Diagnostics;

namespace ActorMlp.Benchmarks.Measuring;

/// <summary>One thing that is timed against others.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Work">Amount of work of one call, in the unit of the rate that is reported.</param>
/// <param name="Run">Does the work once.</param>
internal sealed record Contender(string Name, double Work, Action Run);

/// <summary>
/// Times contenders in turn, a slice each a round, so that a change of the machine's speed meets all alike. Rates are medians over rounds, and
/// ratios are medians of the ratios within a round.
/// </summary>
internal sealed class Interleaved
{
    private readonly Dictionary<string, List<double>> rates = [];

    private Interleaved()
    {
    }

    /// <summary>Runs the contenders.</summary>
    /// <param name="contenders">What to time.</param>
    /// <param name="rounds">Rounds that count; one before them does not.</param>
    /// <param name="slice">Least time of a slice.</param>
    public static Interleaved Measure(IReadOnlyList<Contender> contenders, int rounds, TimeSpan slice)
    {
        var result = new Interleaved();
        var calls = contenders.ToDictionary(contender => contender.Name, contender => CallsFor(contender, slice));
        for (int round = 0; round <= rounds; round++)
        {
            foreach (Contender contender in contenders)
            {
                double rate = Time(contender, calls[contender.Name]);
                if (round > 0)
                {
                    result.Add(contender.Name, rate);
                }
            }
        }

        return result;
    }

    /// <summary>Work per second of a contender, the median over rounds.</summary>
    public double Rate(string name) => Statistics.Median(rates[name]);

    /// <summary>One contender's rate over another's, the median over rounds.</summary>
    public double Ratio(string name, string reference) =>
        Statistics.Median(rates[name].Zip(rates[reference], (rate, other) => rate / other));

    private static double Time(Contender contender, int calls)
    {
        long began = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            contender.Run();
        }

        return calls * contender.Work / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Enough calls for a slice; finding out also warms code and caches.</summary>
    private static int CallsFor(Contender contender, TimeSpan slice)
    {
        for (int calls = 1; ; calls *= 2)
        {
            long began = Stopwatch.GetTimestamp();
            Time(contender, calls);
            if (Stopwatch.GetElapsedTime(began) > slice / 2)
            {
                return Math.Max(1, (int)(calls * (slice / Stopwatch.GetElapsedTime(began))));
            }
        }
    }

    private void Add(string name, double rate)
    {
        if (!rates.TryGetValue(name, out List<double>? list))
        {
            rates[name] = list = [];
        }

        list.Add(rate);
    }
}
