using System.Threading.Channels;
using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Runs;
using Akka.Actor;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>What a coordinator tells whoever keeps the run, and when.</summary>
public sealed class KeeperOutboxTests
{
    [Fact]
    public async Task Steps_are_told_at_once_after_a_pause_and_else_together_and_before_what_follows()
    {
        using ActorSystem system = ActorSystem.Create("test");
        Channel<object> told = Channel.CreateUnbounded<object>();
        var time = new ManualTime();
        List<TimeSpan> wakes = [];
        var outbox = new KeeperOutbox(system.ActorOf(Props.Create(() => new Listener(told.Writer))), time, wakes.Add);

        outbox.Report(Step(1));
        Assert.Equal("1", await NextStepsAsync());

        time.Advance(TimeSpan.FromMilliseconds(20));
        outbox.Report(Step(2));
        outbox.Report(Step(3));
        Assert.Equal([TimeSpan.FromMilliseconds(30)], wakes);
        outbox.Flush();
        Assert.Equal("2, 3", await NextStepsAsync());

        outbox.Report(Step(4));
        outbox.Tell("an epoch's end");
        Assert.Equal("4", await NextStepsAsync());
        Assert.Equal("an epoch's end", await NextAsync());

        time.Advance(StepCommittedEvent.ToldEvery);
        outbox.Flush();
        outbox.Report(Step(5));
        Assert.Equal("5", await NextStepsAsync());
        Assert.Equal(2, wakes.Count);

        async Task<string> NextStepsAsync() => string.Join(", ", Assert.IsType<StepsCommitted>(await NextAsync()).Steps.Select(step => step.Metrics.Step));
        async Task<object> NextAsync() => await told.Reader.ReadAsync(TestContext.Current.CancellationToken);
    }

    private static StepCommittedEvent Step(long step) => new(new StepMetrics { Step = step, Epoch = 1, Loss = 1, LearningRate = 0.1 });

    private sealed class Listener : ReceiveActor
    {
        public Listener(ChannelWriter<object> told) => ReceiveAny(message => told.TryWrite(message));
    }
}
