namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>Threads of a process that do one thing after the other, in the order in which it was asked for: a pool, one end of a connection, an actor.</summary>
/// <param name="cores">The machine's cores.</param>
/// <param name="threads">How many threads do each thing together.</param>
internal sealed class WorkQueue(SharedCores cores, int threads)
{
    private readonly Queue<(TimeSpan Work, Action Done)> waiting = [];
    private bool busy;

    /// <summary>Has something done.</summary>
    /// <param name="work">What it takes where each thread has a core.</param>
    /// <param name="done">Called when it is done.</param>
    public void Add(TimeSpan work, Action done)
    {
        waiting.Enqueue((work, done));
        if (!busy)
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
    }
}
