using ActorMlp.Cluster.Nodes;
using Akka.Dispatch;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class OwnThreadsTests
{
    [Fact]
    public async Task What_is_queued_runs_in_order_even_after_the_end_and_nothing_comes_later()
    {
        var threads = new OwnThreads("test", 1);
        var order = new List<int>();
        using var gate = new ManualResetEventSlim();
        var last = new TaskCompletionSource();
        threads.Execute(new Job(gate.Wait));
        for (int i = 0; i < 10; i++)
        {
            int number = i;
            threads.Execute(new Job(() => order.Add(number)));
        }

        threads.Execute(new Job(last.SetResult));
        threads.Shutdown();
        Assert.Throws<RejectedExecutionException>(() => threads.Execute(new Job(() => { })));
        gate.Set();
        await last.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 10), order);
    }

    private sealed class Job(Action action) : IRunnable
    {
        public void Run() => action();

        public void Execute() => action();
    }
}
