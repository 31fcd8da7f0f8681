using Akka.Configuration;
using Akka.Dispatch;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// Threads of a dispatcher's own, which sleep while there is nothing to do. The thread pool makes heartbeats wait behind whatever fills it, and the threads of
/// Akka's <c>ForkJoinDispatcher</c> spin before they sleep, which the compute threads' cores pay for.
/// </summary>
internal sealed class OwnThreads : ExecutorService
{
    private readonly Queue<IRunnable> queue = new();
    private bool stopped;

    public OwnThreads(string id, int threads)
        : base(id)
    {
        for (int i = 0; i < threads; i++)
        {
            new Thread(Run) { IsBackground = true, Name = $"{id} {i}" }.Start();
        }
    }

    public override void Execute(IRunnable run)
    {
        lock (queue)
        {
            if (stopped)
            {
                throw new RejectedExecutionException($"{Id} has stopped");
            }

            queue.Enqueue(run);
            Monitor.Pulse(queue);
        }
    }

    /// <summary>What is queued still runs.</summary>
    public override void Shutdown()
    {
        lock (queue)
        {
            stopped = true;
            Monitor.PulseAll(queue);
        }
    }

    private void Run()
    {
        while (TryTake(out IRunnable? next))
        {
            next!.Run();
        }
    }

    private bool TryTake(out IRunnable? next)
    {
        lock (queue)
        {
            while (!queue.TryDequeue(out next))
            {
                if (stopped)
                {
                    return false;
                }

                Monitor.Wait(queue);
            }

            return true;
        }
    }
}

/// <summary>Makes <see cref="OwnThreads"/> for Akka, which finds this class by its name in the settings.</summary>
internal sealed class OwnThreadsConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : ExecutorServiceConfigurator(config, prerequisites)
{
    private readonly int threads = config.GetInt("own-threads");

    public override ExecutorService Produce(string id) => new OwnThreads(id, threads);
}
