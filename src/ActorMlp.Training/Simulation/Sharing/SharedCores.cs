namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>
/// The cores of one machine, shared by whatever runs on it. A thread that has something to do gets the core with the fewest threads, and the same part of it as the
/// others there; when work ends, a thread moves from a core with two more than another. So no core is idle while another has a thread too many, but a thread that
/// comes to a core slows down only those there: who computes the same on another core is done earlier, and may have to wait.
/// </summary>
/// <param name="clock">The time.</param>
/// <param name="cores">How many cores.</param>
public sealed class SharedCores(VirtualClock clock, int cores)
{
    /// <summary>Below the clock's unit: what is left of work that ends at a moment of the clock.</summary>
    private const double Rounding = 1e-9;

    private readonly List<Work>[] threadsOf = [.. Enumerable.Range(0, cores).Select(_ => new List<Work>())];
    private readonly List<Work> running = [];
    private double coreSeconds;
    private TimeSpan servedAt;
    private long changes;

    /// <summary>Seconds that cores worked, of all cores together.</summary>
    public double CoreSeconds
    {
        get
        {
            Serve();
            return coreSeconds;
        }
    }

    /// <summary>Begins some work.</summary>
    /// <param name="work">What it takes where each of its threads has a core.</param>
    /// <param name="count">How many threads do it together: one that has more of a core does more of it.</param>
    /// <param name="done">Called when it is done.</param>
    public void Begin(TimeSpan work, int count, Action done)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(work, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Serve();
        var begun = new Work(done) { Left = work.TotalSeconds * count };
        running.Add(begun);
        for (int thread = 0; thread < count; thread++)
        {
            threadsOf.MinBy(threads => threads.Count)!.Add(begun);
        }

        AwaitNextEnd();
    }

    /// <summary>Brings the account of what is left of all work up to now.</summary>
    private void Serve()
    {
        double passed = (clock.Now - servedAt).TotalSeconds;
        servedAt = clock.Now;
        foreach (List<Work> threads in threadsOf.Where(threads => threads.Count > 0))
        {
            coreSeconds += passed;
            threads.ForEach(work => work.Left -= passed / threads.Count);
        }
    }

    private void AwaitNextEnd()
    {
        long now = ++changes;
        if (running.Count == 0)
        {
            return;
        }

        running.ForEach(work => work.Rate = 0);
        foreach (List<Work> threads in threadsOf)
        {
            threads.ForEach(work => work.Rate += 1.0 / threads.Count);
        }

        double first = Math.Max(0, running.Min(work => (work.Left - Rounding) / work.Rate));
        clock.After(TimeSpan.FromTicks((long)Math.Ceiling(first * TimeSpan.TicksPerSecond)), () =>
        {
            // Whatever began or ended since has asked anew.
            if (now == changes)
            {
                End();
            }
        });
    }

    private void End()
    {
        Serve();
        List<Work> ended = running.FindAll(work => work.Left <= Rounding);
        foreach (Work work in ended)
        {
            running.Remove(work);
            Array.ForEach(threadsOf, threads => threads.RemoveAll(one => one == work));
        }

        Balance();
        AwaitNextEnd();
        ended.ForEach(work => work.Done());
    }

    private void Balance()
    {
        while (threadsOf.MaxBy(threads => threads.Count) is { } most && threadsOf.MinBy(threads => threads.Count) is { } fewest && most.Count > fewest.Count + 1)
        {
            fewest.Add(most[^1]);
            most.RemoveAt(most.Count - 1);
        }
    }

    /// <summary>Some work.</summary>
    private sealed class Work(Action done)
    {
        public Action Done { get; } = done;

        /// <summary>Seconds of a core that it still takes.</summary>
        public double Left { get; set; }

        /// <summary>What it gets of cores.</summary>
        public double Rate { get; set; }
    }
}
