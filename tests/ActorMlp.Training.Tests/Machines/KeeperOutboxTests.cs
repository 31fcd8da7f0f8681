using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>What a coordinator tells whoever keeps the run, when, and how often.</summary>
public sealed class KeeperOutboxTests
{
    private readonly KeeperOutbox outbox = new();

    [Fact]
    public void Steps_are_told_at_once_after_a_pause_and_else_together_and_before_what_follows()
    {
        Assert.Equal(["1: 1"], Text(outbox.Report(Step(1), At(0))));
        Assert.Null(outbox.FlushAfter(At(0)));

        Assert.Empty(outbox.Report(Step(2), At(20)));
        Assert.Empty(outbox.Report(Step(3), At(25)));
        Assert.Equal(At(25), outbox.FlushAfter(At(25)));
        Assert.Equal(["2: 2, 3"], Text(outbox.Flush(At(50))));
        Assert.Empty(outbox.Flush(At(50)));

        Assert.Empty(outbox.Report(Step(4), At(60)));
        Assert.Equal(["3: 4", "4: an epoch's end"], Text(outbox.Tell("an epoch's end", At(61))));

        Assert.Equal(["5: 5"], Text(outbox.Report(Step(5), At(111))));
    }

    [Fact]
    public void What_is_not_acknowledged_is_said_again_in_order_and_less_often_each_time()
    {
        outbox.Tell("a", At(0));
        outbox.Tell("b", At(400));
        Assert.Empty(outbox.Repeat(At(499)));
        Assert.Equal(["1: a", "2: b"], Text(outbox.Repeat(At(500))));
        Assert.Empty(outbox.Repeat(At(1_499)));
        Assert.Equal(["1: a", "2: b"], Text(outbox.Repeat(At(1_500))));

        // Somebody listens: what is left is said again soon.
        outbox.Handle(new KeeperHeard(1), At(1_600));
        Assert.False(outbox.IsEmpty);
        Assert.Empty(outbox.Repeat(At(2_099)));
        Assert.Equal(["2: b"], Text(outbox.Repeat(At(2_100))));

        outbox.Handle(new KeeperHeard(2), At(2_200));
        outbox.Handle(new KeeperHeard(1), At(2_200));
        Assert.True(outbox.IsEmpty);
        Assert.Empty(outbox.Repeat(At(9_999)));
    }

    [Fact]
    public void Silence_is_counted_from_the_oldest_that_was_not_heard()
    {
        outbox.Tell("a", At(0));
        outbox.Handle(new KeeperHeard(1), At(1));
        outbox.Tell("b", At(5_000));
        Assert.Empty(outbox.Repeat(At(5_499)));
        Assert.Equal(["2: b"], Text(outbox.Repeat(At(5_500))));
    }

    [Fact]
    public void Long_silence_does_not_make_it_say_everything_at_once()
    {
        foreach (int number in Enumerable.Range(0, 1000))
        {
            outbox.Tell(number, At(number));
        }

        Assert.Equal(Enumerable.Range(1, 64).Select(number => (long)number), outbox.Repeat(At(2_000)).Select(told => told.Number));
    }

    [Fact]
    public void Steps_that_were_not_told_yet_are_not_heard()
    {
        outbox.Report(Step(1), At(0));
        outbox.Report(Step(2), At(1));
        outbox.Handle(new KeeperHeard(1), At(2));
        Assert.False(outbox.IsEmpty);
    }

    private static TimeSpan At(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static IEnumerable<string> Text(IReadOnlyList<ToldToKeeper> told) => told.Select(one =>
        $"{one.Number}: {(one.Message is StepsCommitted steps ? string.Join(", ", steps.Steps.Select(step => step.Metrics.Step)) : one.Message)}");

    private static StepCommittedEvent Step(long step) => new(new StepMetrics { Step = step, Epoch = 1, Loss = 1, LearningRate = 0.1 });
}
