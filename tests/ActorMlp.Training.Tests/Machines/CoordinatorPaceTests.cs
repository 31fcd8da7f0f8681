using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Views that follow from measured paces.</summary>
public sealed class CoordinatorPaceTests
{
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0)];

    [Fact]
    public void Slow_worker_gets_fewer_shards_in_one_new_view()
    {
        CoordinatorMachine machine = Training();
        int before = machine.View.Number;
        Assert.Empty(machine.Handle(new WorkerPace(Workers[0], 10, 10)));
        PublishView publish = Assert.IsType<PublishView>(machine.Handle(new WorkerPace(Workers[1], 30, 10))[0]);
        Assert.Equal(before + 1, publish.Message.View.Number);
        Assert.Equal([2, 6], publish.Message.View.Ranges.Select(range => range.Count));
        Assert.Equal(1, publish.Message.View.Arrangement.Number);
        Assert.Empty(machine.Handle(new WorkerPace(Workers[0], 10, 10)));
        Assert.Empty(machine.Handle(new WorkerPace(Workers[1], 30, 10)));
        Assert.Equal(before + 1, machine.View.Number);
    }

    [Fact]
    public void Workers_that_all_fail_after_a_deal_by_pace_leave_an_empty_view_and_come_back_to_an_even_deal()
    {
        CoordinatorMachine machine = Training();
        machine.Handle(new WorkerPace(Workers[0], 10, 10));
        machine.Handle(new WorkerPace(Workers[1], 30, 10));
        machine.Handle(new WorkerFailed(Workers[0], "chance", Final: false));
        Assert.Equal([8], machine.View.Ranges.Select(range => range.Count));
        Assert.IsType<PublishView>(machine.Handle(new WorkerFailed(Workers[1], "chance", Final: false))[0]);
        Assert.Empty(machine.View.Ranges);
        foreach (WorkerId worker in Workers)
        {
            machine.Handle(new WorkerJoined(worker with { Incarnation = 1 }));
        }

        Assert.Equal([4, 4], machine.View.Ranges.Select(range => range.Count));
    }

    private static CoordinatorMachine Training()
    {
        var shape = new RunShape { Epochs = 1, StepsPerEpoch = 10, Shards = 8, Workers = 2, LearningRate = _ => 0.1 };
        var machine = new CoordinatorMachine(shape, RunProgress.Start, PieceDealer.Whole(1));
        machine.Handle(new NodesGathered(Workers, [0]));
        machine.Handle(new RangeReady(0, machine.View.Arrangement.Number), TimeSpan.Zero);
        Assert.Equal([4, 4], machine.View.Ranges.Select(range => range.Count));
        return machine;
    }
}
