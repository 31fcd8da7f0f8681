namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>
/// The cores of one machine, shared by whatever runs on it: every thread that has something to do gets a core of its own while there are enough, and else the same
/// part of one. So nothing is lost: as long as as many threads want to run as there are cores, all cores work.
/// </summary>
/// <param name="clock">The time.</param>
/// <param name="cores">How many cores.</param>
public sealed class SharedCores(VirtualClock clock, int cores)
{
    /// <summary>Below the clock's unit: what is left of work that ends at a moment of the clock.</summary>
    private const double Rounding = 1e-9;

    private readonly PriorityQueue<Work, (double End, long Order)> running = new();
    private double served;
    private double coreSeconds;
    private TimeSpan servedAt;
    private int threads;
    private long begun;
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

    /// <summary>The part of a core that each thread gets now.</summary>
    private double Share => threads <= cores ? 1 : (double)cores / threads;

    /// <summary>Begins some work.</summary>
    /// <param name="work">What it takes where each of its threads has a core.</param>
    /// <param name="count">How many threads do it, all to its end.</param>
    /// <param name="done">Called when it is done.</param>
    public void Begin(TimeSpan work, int count, Action done)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(work, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Serve();
        if (running.Count == 0)
        {
            served = 0;
        }

        threads += count;
        running.Enqueue(new Work(count, done), (served + work.TotalSeconds, begun++));
        AwaitNextEnd();
    }

    /// <summary>Brings the account of what each thread has had up to now.</summary>
    private void Serve()
    {
        double passed = (clock.Now - servedAt).TotalSeconds;
        served += passed * Share;
        coreSeconds += passed * Math.Min(threads, cores);
        servedAt = clock.Now;
    }

    private void AwaitNextEnd()
    {
        long now = ++changes;
        if (running.TryPeek(out _, out (double End, long Order) first))
        {
            double left = Math.Max(0, first.End - served - Rounding) / Share;
            clock.After(TimeSpan.FromTicks((long)Math.Ceiling(left * TimeSpan.TicksPerSecond)), () =>
            {
                // Whatever began or ended since has asked anew.
                if (now == changes)
                {
                    End();
                }
            });
        }
    }

    private void End()
    {
        Serve();
        var ended = new List<Work>();
        while (running.TryPeek(out Work? work, out (double End, long Order) first) && first.End <= served + Rounding)
        {
            running.Dequeue();
            threads -= work.Threads;
            ended.Add(work);
        }

        AwaitNextEnd();
        ended.ForEach(work => work.Done());
    }

    private sealed record Work(int Threads, Action Done);
}
