using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Shards follow measured paces, and noise moves nothing.</summary>
public sealed class WorkerPaceTests
{
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0)];

    private readonly CoordinatorMachine machine = Started();

    [Fact]
    public void Worker_at_half_speed_gets_fewer_shards_once_it_has_been_slow_for_a_while()
    {
        for (int second = 0; second < 5; second++)
        {
            Assert.Equal([8, 8], Counts());
            Measure(100, 50);
        }

        Measure(100, 50);
        Assert.Equal([11, 5], Counts());

        // The deal stands as long as nothing else is clearly better.
        for (int second = 0; second < 20; second++)
        {
            Measure(100, 50);
            Assert.Equal([11, 5], Counts());
        }
    }

    [Fact]
    public void Deal_goes_back_when_the_worker_has_recovered()
    {
        Repeat(8, () => Measure(100, 50));
        Assert.Equal([11, 5], Counts());
        Repeat(25, () => Measure(100, 100));
        Assert.Equal([8, 8], Counts());
    }

    [Fact]
    public void Differences_below_a_fifth_and_short_ones_move_nothing()
    {
        Repeat(30, () => Measure(100, 90));
        for (int i = 0; i < 20; i++)
        {
            // Three slow seconds, then as many as it takes for the memory of them to fade.
            Repeat(3, () => Measure(100, 45));
            Repeat(6, () => Measure(100, 100));
        }

        Assert.Equal([8, 8], Counts());
    }

    [Fact]
    public void Workers_that_all_fail_after_a_deal_by_pace_come_back_to_an_even_deal()
    {
        Repeat(8, () => Measure(100, 50));
        machine.Handle(new WorkerFailed(Workers[0], "chance", Final: false), TimeSpan.Zero);
        Assert.Equal([16], Counts());
        machine.Handle(new WorkerFailed(Workers[1], "chance", Final: false), TimeSpan.Zero);
        Assert.Empty(Counts());
        foreach (WorkerId worker in Workers)
        {
            machine.Handle(new WorkerJoined(worker with { Incarnation = 1 }));
        }

        Assert.Equal([8, 8], Counts());
    }

    private static void Repeat(int times, Action action)
    {
        for (int i = 0; i < times; i++)
        {
            action();
        }
    }

    private static CoordinatorMachine Started()
    {
        var shape = new RunShape { Epochs = 9, StepsPerEpoch = 100, Shards = 16, Workers = 2, LearningRate = _ => 0.1 };
        var machine = new CoordinatorMachine(shape, RunProgress.Start, PieceDealer.Whole(1));
        machine.Handle(new NodesGathered(Workers, [0]));
        machine.Handle(new RangeReady(0, machine.View.Arrangement.Number), TimeSpan.Zero);
        return machine;
    }

    /// <summary>A second in which both workers tell how many shards they computed.</summary>
    private void Measure(int one, int other)
    {
        machine.Handle(new WorkerPace(Workers[0], one, 1));
        machine.Handle(new WorkerPace(Workers[1], other, 1));
    }

    private int[] Counts() => [.. machine.View.Ranges.Select(range => range.Count)];
}
