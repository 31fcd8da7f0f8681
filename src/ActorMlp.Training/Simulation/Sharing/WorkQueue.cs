namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>Threads of a process that do one thing after the other, in the order in which it was asked for: a pool, one end of a connection, an actor.</summary>
/// <param name="cores">The machine's cores.</param>
/// <param name="clock">The time.</param>
/// <param name="threads">How many threads do each thing together.</param>
internal sealed class WorkQueue(SharedCores cores, VirtualClock clock, int threads)
{
    private readonly Queue<(TimeSpan Work, Action Done)> waiting = [];
    private TimeSpan awakeUntil = TimeSpan.MinValue;
    private bool busy;

    /// <summary>What one of its threads takes to wake up and to find what there is to do; it sleeps when there is nothing.</summary>
    public TimeSpan WakeUp { get; init; }

    /// <summary>How long one of its threads looks out for more, on a core, before it sleeps.</summary>
    public TimeSpan Spin { get; init; }

    /// <summary>Hears what its threads do beside the work that they are given.</summary>
    public Action<TimeSpan>? Spent { get; init; }

    /// <summary>Has something done.</summary>
    /// <param name="work">What it takes where each thread has a core.</param>
    /// <param name="done">Called when it is done.</param>
    public void Add(TimeSpan work, Action done)
    {
        waiting.Enqueue((work, done));
        if (busy)
        {
            return;
        }

        busy = true;
        if (WakeUp > TimeSpan.Zero && clock.Now > awakeUntil)
        {
            Spent?.Invoke(WakeUp);
            cores.Begin(WakeUp, 1, Next);
        }
        else
        {
            Next();
        }
    }

    private void Next()
    {
        busy = waiting.TryDequeue(out (TimeSpan Work, Action Done) one);
        if (busy)
        {
            cores.Begin(one.Work, threads, () =>
            {
                // What it leads to comes behind what waits already.
                Next();
                one.Done();
            });
        }
        else if (Spin > TimeSpan.Zero)
        {
            awakeUntil = clock.Now + Spin;
            Spent?.Invoke(Spin);
            cores.Begin(Spin, 1, () => { });
        }
    }
}
