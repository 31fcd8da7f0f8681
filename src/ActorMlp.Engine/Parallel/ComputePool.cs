using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace ActorMlp.Engine.Parallel;

/// <summary>The body of a parallel loop: independent parts, run in any order on any thread of the pool.</summary>
public interface IParallelBody
{
    /// <summary>Runs one part.</summary>
    /// <param name="part">Which part, from 0.</param>
    /// <param name="worker">Which of the pool's threads runs it, below <see cref="ComputePool.Threads"/>: an index for scratch memory.</param>
    void Run(int part, int worker);
}

/// <summary>
/// The process's compute threads: one leader, which takes work in the order in which it was given, and helpers, which join its parallel
/// loops. All workers of a process share one pool, so that it never runs more threads than asked for.
/// </summary>
/// <remarks>Helpers spin for a few microseconds after a loop, since the next often follows at once, then sleep; the leader spins up to 50 between jobs.</remarks>
public sealed class ComputePool : IDisposable
{
    // Some three microseconds: the loops of a job follow each other that closely. Between jobs the core belongs to the actors: on 2 cores,
    // ten microseconds cost a run with actors 2 % of its samples per second, sixty cost 14 %, and the plain loop gained nothing.
    private const int SpinsBeforeSleep = 6;

    /// <summary>How long the leader looks out for the next job before it sleeps.</summary>
    public static readonly TimeSpan LeaderSpin = TimeSpan.FromMicroseconds(50);

    private const long Open = 1L << 16;
    private const long EpochUnit = 1L << 32;
    private const long ActiveMask = 0xFFFF;

    [ThreadStatic]
    private static ComputePool? leading;

    [ThreadStatic]
    private static bool looping;

    private readonly Queue<Action> queue = new();
    private readonly Thread[] threads;
    private readonly Helper[] helpers;
    private readonly Dictionary<Type, Loop> loops = [];
    private Loop? current;
    private int queued;
    private bool disposed;

    // The loop's number over an open bit over the helpers inside: a helper may enter only while the bit is set.
    private long gate;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">How many in total; 0 for one a processor.</param>
    public ComputePool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        helpers = new Helper[Threads - 1];
        this.threads = new Thread[Threads];
        this.threads[0] = new Thread(Lead) { IsBackground = true, Name = "compute leader" };
        for (int i = 0; i < helpers.Length; i++)
        {
            var helper = new Helper(i + 1);
            helpers[i] = helper;
            this.threads[i + 1] = new Thread(() => Help(helper)) { IsBackground = true, Name = $"compute helper {i + 1}" };
        }

        foreach (Thread thread in this.threads)
        {
            thread.Start();
        }
    }

    /// <summary>Number of threads, the leader included.</summary>
    public int Threads { get; }

    /// <summary>Queues work for the leader thread: first come, first served. What it throws goes to the task.</summary>
    public Task<T> Enqueue<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (queue)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            queue.Enqueue(() => Complete(work, completion));
            queued = queue.Count;
            Monitor.PulseAll(queue);
        }

        return completion.Task;
    }

    /// <summary>Queues work and blocks until it is done. On the leader thread, which must not wait for itself, it runs at once.</summary>
    public T Run<T>(Func<T> work) => leading == this ? work() : Enqueue(work).GetAwaiter().GetResult();

    /// <summary>
    /// Runs every part of <paramref name="body"/> once, over all threads, and returns when all are done. From within a loop the parts run
    /// one after another on the calling thread; from a thread that is not the leader the loop is queued like <see cref="Run"/>.
    /// </summary>
    /// <remarks>The first exception of a part is thrown here, after the parts that had begun are done; parts not begun are left out.</remarks>
    public void For<TBody>(int parts, TBody body)
        where TBody : IParallelBody
    {
        if (looping || (leading == this && (parts <= 1 || helpers.Length == 0)))
        {
            for (int part = 0; part < parts; part++)
            {
                body.Run(part, looping ? currentWorker : 0);
            }
        }
        else if (leading == this)
        {
            Fork(LoopFor<TBody>(), parts, body);
        }
        else
        {
            Queue(parts, body);
        }
    }

    /// <summary>Lets the current work end, cancels what is queued and ends the threads.</summary>
    public void Dispose()
    {
        lock (queue)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            Monitor.PulseAll(queue);
        }

        if (leading != this)
        {
            threads[0].Join();
        }

        Volatile.Write(ref current, null);
        Interlocked.Add(ref gate, EpochUnit);
        foreach (Helper helper in helpers)
        {
            helper.Wake();
        }

        foreach (Thread thread in threads.AsSpan(1))
        {
            thread.Join();
        }

        foreach (Helper helper in helpers)
        {
            helper.Dispose();
        }
    }

    [ThreadStatic]
    private static int currentWorker;

    private static void Complete<T>(Func<T> work, TaskCompletionSource<T> completion)
    {
        if (leading is null)
        {
            completion.SetException(new ObjectDisposedException(nameof(ComputePool)));
            return;
        }

        try
        {
            completion.SetResult(work());
        }
        catch (Exception error)
        {
            completion.SetException(error);
        }
    }

    private void Queue<TBody>(int parts, TBody body)
        where TBody : IParallelBody =>
        Run(() =>
        {
            For(parts, body);
            return true;
        });

    private Loop<TBody> LoopFor<TBody>()
        where TBody : IParallelBody
    {
        if (!loops.TryGetValue(typeof(TBody), out Loop? loop))
        {
            loop = new Loop<TBody>(Threads);
            loops.Add(typeof(TBody), loop);
        }

        return (Loop<TBody>)loop;
    }

    private void Fork<TBody>(Loop<TBody> loop, int parts, TBody body)
        where TBody : IParallelBody
    {
        loop.Begin(parts, body);
        Volatile.Write(ref current, loop);
        Interlocked.Add(ref gate, EpochUnit + Open);
        for (int i = 0; i < Math.Min(helpers.Length, parts - 1); i++)
        {
            helpers[i].Wake();
        }

        RunLoop(loop, 0);

        // A helper that has not come by now finds the gate closed and goes back to sleep; only those inside are waited for.
        Interlocked.And(ref gate, ~Open);
        var spin = new SpinWait();
        while ((Volatile.Read(ref gate) & ActiveMask) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        loop.End();
    }

    private void Lead()
    {
        leading = this;
        while (true)
        {
            Action work;
            AwaitWorkBriefly();
            lock (queue)
            {
                while (queue.Count == 0 && !disposed)
                {
                    Monitor.Wait(queue);
                }

                if (disposed)
                {
                    break;
                }

                work = queue.Dequeue();
                queued = queue.Count;
            }

            work();
        }

        leading = null;
        while (queue.TryDequeue(out Action? cancelled))
        {
            cancelled();
        }
    }

    /// <summary>
    /// Looks out for work for some microseconds before the lock puts the leader to sleep: a step's jobs follow each other that closely, and to be
    /// woken costs tens of microseconds, twice a step.
    /// </summary>
    private void AwaitWorkBriefly()
    {
        long began = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref queued) == 0 && Stopwatch.GetElapsedTime(began) < LeaderSpin && !Volatile.Read(ref disposed))
        {
            Thread.SpinWait(8);
        }
    }

    private void Help(Helper helper)
    {
        uint seen = 0;
        while (true)
        {
            helper.Await(ref gate, seen);
            long state = Volatile.Read(ref gate);
            seen = (uint)(state >> 32);
            if (Volatile.Read(ref disposed) && Volatile.Read(ref current) is null)
            {
                return;
            }

            while ((state & Open) != 0)
            {
                long before = Interlocked.CompareExchange(ref gate, state + 1, state);
                if (before == state)
                {
                    RunLoop(Volatile.Read(ref current)!, helper.Number);
                    Interlocked.Decrement(ref gate);
                    break;
                }

                state = before;
            }

            seen = (uint)(state >> 32);
        }
    }

    private static void RunLoop(Loop loop, int worker)
    {
        looping = true;
        currentWorker = worker;
        try
        {
            loop.Work(worker);
        }
        finally
        {
            looping = false;
        }
    }

    /// <summary>A parallel loop in progress.</summary>
    private abstract class Loop
    {
        public abstract void Work(int worker);
    }

    private sealed class Loop<TBody>(int threads) : Loop
        where TBody : IParallelBody
    {
        private readonly PartRanges ranges = new(threads);
        private TBody body = default!;
        private ExceptionDispatchInfo? error;

        public void Begin(int count, TBody parallelBody)
        {
            body = parallelBody;
            error = null;
            ranges.Deal(count);
        }

        public override void Work(int worker)
        {
            try
            {
                while (ranges.TryTake(worker, out int part))
                {
                    body.Run(part, worker);
                }
            }
            catch (Exception thrown)
            {
                Interlocked.CompareExchange(ref error, ExceptionDispatchInfo.Capture(thrown), null);
                ranges.Cancel();
            }
        }

        public void End()
        {
            body = default!;
            error?.Throw();
        }
    }

    /// <summary>A helper thread's bed.</summary>
    private sealed class Helper(int number) : IDisposable
    {
        private readonly SemaphoreSlim bell = new(0);
        private int asleep;

        public int Number => number;

        /// <summary>Waits until the gate shows another loop than <paramref name="seen"/>.</summary>
        public void Await(ref long gate, uint seen)
        {
            for (int spin = 0; spin < SpinsBeforeSleep; spin++)
            {
                if ((uint)(Volatile.Read(ref gate) >> 32) != seen)
                {
                    return;
                }

                Thread.SpinWait(8);
            }

            while ((uint)(Volatile.Read(ref gate) >> 32) == seen)
            {
                Interlocked.Exchange(ref asleep, 1);
                if ((uint)(Interlocked.Read(ref gate) >> 32) != seen && Interlocked.Exchange(ref asleep, 0) == 1)
                {
                    return;
                }

                bell.Wait();
            }
        }

        public void Wake()
        {
            if (Interlocked.Exchange(ref asleep, 0) == 1)
            {
                bell.Release();
            }
        }

        public void Dispose() => bell.Dispose();
    }
}
