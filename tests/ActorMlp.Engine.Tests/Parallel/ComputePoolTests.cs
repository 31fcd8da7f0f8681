using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Tests.Parallel;

public sealed class ComputePoolTests
{
    [Fact]
    public async Task Work_runs_in_the_order_given_on_one_thread()
    {
        using var pool = new ComputePool(2);
        var order = new List<int>();
        var threads = new HashSet<int>();
        Task<int>[] tasks =
        [
            .. Enumerable.Range(0, 100).Select(i => pool.Enqueue(() =>
            {
                order.Add(i);
                threads.Add(Environment.CurrentManagedThreadId);
                return i;
            })),
        ];
        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(tasks));
        Assert.Equal(Enumerable.Range(0, 100), order);
        Assert.Single(threads);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void For_runs_every_part_once_with_a_worker_in_range(int threads)
    {
        using var pool = new ComputePool(threads);
        foreach (int parts in new[] { 0, 1, 2, 3, 7, 64, 1000 })
        {
            var body = new Counting(parts, threads);
            for (int round = 1; round <= 20; round++)
            {
                pool.Run(() =>
                {
                    pool.For(parts, body);
                    return 0;
                });
                Assert.All(body.Counts, count => Assert.Equal(round, count));
            }
        }
    }

    /// <summary>A thread that is late from one loop must not take a part of the next, longer one a second time.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void For_loops_in_quick_succession_run_each_part_once(int threads)
    {
        const int Rounds = 30_000;
        using var pool = new ComputePool(threads);
        var few = new Counting(3, threads);
        var many = new Counting(11, threads);
        pool.Run(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                pool.For(3, few);
                pool.For(11, many);
            }

            return 0;
        });
        Assert.All(few.Counts.Concat(many.Counts), count => Assert.Equal(Rounds, count));
    }

    [Fact]
    public void For_from_another_thread_and_from_within_a_loop_runs_every_part()
    {
        using var pool = new ComputePool(3);
        var body = new Counting(50, 3);
        pool.For(50, body);
        Assert.All(body.Counts, count => Assert.Equal(1, count));

        var inner = new Counting(10, 3);
        pool.For(6, new Nested(pool, inner));
        Assert.All(inner.Counts, count => Assert.Equal(6, count));
    }

    [Fact]
    public async Task What_work_throws_goes_to_its_task_and_the_pool_lives_on()
    {
        using var pool = new ComputePool(2);
        await Assert.ThrowsAsync<InvalidDataException>(() => pool.Enqueue<int>(() => throw new InvalidDataException()));
        Assert.Throws<InvalidDataException>(() => pool.Run<int>(() => throw new InvalidDataException()));
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<InvalidDataException>(() => pool.For(100, new Failing()));
        }

        Assert.Equal(5, pool.Run(() => pool.Run(() => 5)));
    }

    [Fact]
    public async Task Dispose_lets_current_work_end_and_refuses_the_rest()
    {
        var pool = new ComputePool(2);
        using var begun = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        Task<int> current = pool.Enqueue(() =>
        {
            begun.Release();
            go.Wait();
            return 1;
        });
        Task<int> queued = pool.Enqueue(() => 2);
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        Task disposal = Task.Run(pool.Dispose, TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => Refuses(pool));
        go.Release();
        await disposal;
        Assert.Equal(1, await current);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queued);
        pool.Dispose();
    }

    [Fact]
    public void Zero_threads_means_one_a_processor()
    {
        using var pool = new ComputePool(0);
        Assert.Equal(Environment.ProcessorCount, pool.Threads);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComputePool(-1));
    }

    private static bool Refuses(ComputePool pool)
    {
        try
        {
            pool.Enqueue(() => 3);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private sealed class Counting(int parts, int threads) : IParallelBody
    {
        public int[] Counts { get; } = new int[parts];

        public void Run(int part, int worker)
        {
            Interlocked.Increment(ref Counts[part]);
            Assert.InRange(worker, 0, threads - 1);
        }
    }

    private sealed class Nested(ComputePool pool, Counting inner) : IParallelBody
    {
        public void Run(int part, int worker) => pool.For(inner.Counts.Length, inner);
    }

    private readonly struct Failing : IParallelBody
    {
        public void Run(int part, int worker)
        {
            if (part % 10 == 3)
            {
                throw new InvalidDataException();
            }
        }
    }
}
