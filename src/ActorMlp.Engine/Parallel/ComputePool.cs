using System.Collections.Concurrent;

namespace ActorMlp.Engine.Parallel;

/// <summary>Work that falls into independent parts.</summary>
public interface IParallelBody
{
    /// <summary>Does one part. Called on any thread of the pool, once per part.</summary>
    /// <param name="part">The part, 0-based.</param>
    /// <param name="thread">The pool's thread it runs on, 0-based: for scratch memory.</param>
    void Run(int part, int thread);
}

/// <summary>
/// The threads that compute; a process has one pool, however many workers live in it. Jobs follow each other on the leader thread, in the order
/// in which they come; inside a job, <see cref="For"/> spreads parts over all threads. Which thread does a part cannot change its result.
/// </summary>
/// <remarks>A thread that waits spins for some microseconds and then sleeps: a thread that spins takes a core from a neighbour that computes.</remarks>
public sealed class ComputePool : IDisposable
{
    private const int SpinsBeforeSleep = 64;
    private const int PausesPerSpin = 20;

    private readonly BlockingCollection<Action> jobs = [];
    private readonly Thread leader;
    private readonly Thread[] helpers;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim wake = new(0);
    private readonly ManualResetEventSlim allDone = new(true, 0);
    private IParallelBody? body;
    private int parts;
    private long ticket;
    private int unfinished;
    private int asleep;
    private volatile bool disposed;
    private volatile Exception? failure;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">How many, the leader included; 0 for one per core.</param>
    public ComputePool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        leader = Start(Lead, "compute-0");
        helpers = [.. Enumerable.Range(1, Threads - 1).Select(number => Start(() => Help(number), $"compute-{number}"))];
    }

    /// <summary>Number of threads, the leader included.</summary>
    public int Threads { get; }

    /// <summary>Whether the caller runs on this pool's leader, as a job does.</summary>
    public bool IsLeader => Thread.CurrentThread == leader;

    /// <summary>Runs <paramref name="work"/> after the jobs that came before it. An exception ends in the task.</summary>
    public Task<T> Enqueue<T>(Func<T> work)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        jobs.Add(() =>
        {
            try
            {
                completion.SetResult(work());
            }
#pragma warning disable CA1031 // Whatever the job throws belongs to whoever waits for it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }

    /// <summary>Runs <paramref name="work"/> as a job and waits for it; at once where the caller is a job already.</summary>
    public T Run<T>(Func<T> work) => IsLeader ? work() : Enqueue(work).GetAwaiter().GetResult();

    /// <summary>Runs parts 0 … <paramref name="count"/>-1 over all threads and returns when all are done. Only jobs may call it.</summary>
    /// <exception cref="InvalidOperationException">The caller is no job of this pool.</exception>
    /// <exception cref="AggregateException">A part threw.</exception>
    public void For(int count, IParallelBody work)
    {
        if (!IsLeader)
        {
            throw new InvalidOperationException("ComputePool.For is for jobs of the pool: call it from Run or Enqueue.");
        }

        if (Threads == 1 || count <= 1)
        {
            for (int part = 0; part < count; part++)
            {
                work.Run(part, 0);
            }

            return;
        }

        body = work;
        parts = count;
        failure = null;
        Volatile.Write(ref unfinished, count);
        allDone.Reset();

        // The ticket's high half names the job, its low half the next part: one compare-and-swap takes a part of just this job.
        Volatile.Write(ref ticket, ((ticket >> 32) + 1) << 32);
        Interlocked.MemoryBarrier();
        int sleeping = Math.Min(Volatile.Read(ref asleep), count - 1);
        if (sleeping > 0)
        {
            wake.Release(sleeping);
        }

        TakeParts(ticket >> 32, 0);
        for (int spin = 0; Volatile.Read(ref unfinished) > 0; spin++)
        {
            if (spin < SpinsBeforeSleep)
            {
                Thread.SpinWait(PausesPerSpin);
            }
            else
            {
                allDone.Wait();
            }
        }

        if (failure is { } thrown)
        {
            throw new AggregateException(thrown);
        }
    }

    /// <summary>Lets the jobs that were enqueued finish, then ends the threads.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
        }

        jobs.CompleteAdding();
        leader.Join();
        wake.Release(Math.Max(1, helpers.Length));
        foreach (Thread helper in helpers)
        {
            helper.Join();
        }

        jobs.Dispose();
        wake.Dispose();
        allDone.Dispose();
    }

    private static Thread Start(ThreadStart work, string name)
    {
        var thread = new Thread(work) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private void Lead()
    {
        foreach (Action job in jobs.GetConsumingEnumerable())
        {
            job();
        }
    }

    private void Help(int thread)
    {
        long seen = 0;
        int spins = 0;
        while (!disposed)
        {
            long job = Volatile.Read(ref ticket) >> 32;
            if (job != seen)
            {
                TakeParts(job, thread);
                seen = job;
                spins = 0;
            }
            else if (++spins < SpinsBeforeSleep)
            {
                Thread.SpinWait(PausesPerSpin);
            }
            else
            {
                Interlocked.Increment(ref asleep);
                if (Volatile.Read(ref ticket) >> 32 == seen && !disposed)
                {
                    wake.Wait();
                }

                Interlocked.Decrement(ref asleep);
                spins = 0;
            }
        }
    }

    private void TakeParts(long job, int thread)
    {
        while (true)
        {
            long current = Volatile.Read(ref ticket);
            int part = (int)(current & uint.MaxValue);
            IParallelBody work = body!;
            if (current >> 32 != job || part >= Volatile.Read(ref parts))
            {
                return;
            }

            if (Interlocked.CompareExchange(ref ticket, current + 1, current) != current)
            {
                continue;
            }

            try
            {
                work.Run(part, thread);
            }
#pragma warning disable CA1031 // Whatever a part throws belongs to the job, on the leader's thread.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }

            if (Interlocked.Decrement(ref unfinished) == 0)
            {
                allDone.Set();
            }
        }
    }
}
