using ActorMlp.Engine.Batches;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>A coordinator of a run on nodes, message by message: node 0 holds all parameters, nodes 0 to 2 compute.</summary>
public sealed class CoordinatorMachineTests
{
    private static readonly RunShape Shape = new() { Epochs = 2, StepsPerEpoch = 10, Shards = 8, Workers = 1, LearningRate = _ => 0.1 };

    private readonly CoordinatorMachine machine = new(Shape, RunProgress.Start, PieceDealer.Whole(1));

    public CoordinatorMachineTests()
    {
        machine.Handle(new NodesGathered([Worker(0), Worker(1), Worker(2)], [0]));
        machine.Handle(new RangeReady(0, machine.View.Number), default);
    }

    [Fact]
    public void Newcomers_get_no_shard_of_a_step_that_a_loss_opens_again_however_many_views_follow()
    {
        machine.Handle(new WorkerJoined(Worker(3)));
        Assert.True(SharesOf(3) > 0);
        machine.Handle(new NodeLost(2, "gone"), default);
        Assert.Equal(0, SharesOf(3));
        machine.Handle(new WorkerJoined(Worker(4)));
        Assert.Equal((0, 0), (SharesOf(3), SharesOf(4)));

        // A step of the view before the loss says nothing of the one that is open now.
        machine.Handle(Commit(0, view: 1, held: false), default);
        Assert.Equal((0, 0), (SharesOf(3), SharesOf(4)));
        machine.Handle(Commit(1, machine.View.Number, held: false), default);
        Assert.True(SharesOf(3) > 0 && SharesOf(4) > 0);
    }

    [Fact]
    public void Newcomers_get_no_shard_of_the_step_before_either_of_which_a_lost_server_may_not_have_done_everything()
    {
        machine.Handle(new WorkerJoined(Worker(3)));
        machine.Handle(Commit(0, machine.View.Number, held: false), default);
        machine.Handle(new NodeLost(2, "gone"), default);
        Assert.Equal(0, SharesOf(3));

        machine.Handle(Commit(1, machine.View.Number, held: false), default);
        machine.Handle(Commit(2, machine.View.Number, held: false), default);
        machine.Handle(new NodeLost(1, "gone"), default);
        Assert.True(SharesOf(3) > 0);
    }

    [Fact]
    public void Ranges_are_dealt_anew_as_soon_as_the_state_is_kept()
    {
        machine.Handle(new ServerJoined(1));
        RunProgress asked = AskedFor(machine.Handle(Commit(0, 1, held: true), default));
        SupplyRanges supply = machine.Handle(new StateKept(asked)).OfType<SupplyRanges>().Single();
        Assert.Equal(1, supply.Arrangement.Step);

        // Its disk is slower, and changes nothing.
        Assert.IsType<CheckpointSaved>(Assert.IsType<Notify>(Assert.Single(machine.Handle(new CheckpointWritten(CheckpointKind.Last, 1, "last")))).Event);
    }

    [Fact]
    public void Run_that_goes_back_further_than_what_is_kept_goes_on_from_there_and_says_so_once()
    {
        RunProgress asked = AskedFor(Stop());

        // The only server is lost before the coordinator hears that the state is kept.
        machine.Handle(new ServerJoined(1));
        Assert.Equal(0, machine.Handle(new NodeLost(0, "gone"), default).OfType<SupplyRanges>().Single().Arrangement.Step);
        Arrangement next = machine.Handle(new StateKept(asked)).OfType<SupplyRanges>().Single().Arrangement;
        Assert.Equal(1, next.Step);
        RunRewound rewound = machine.Handle(new RangeReady(1, next.Number), default).OfType<Notify>().Select(notify => notify.Event).OfType<RunRewound>().Single();
        Assert.Equal((1, next.Number), (rewound.Step, rewound.View));
    }

    [Fact]
    public void Run_that_stops_ends_when_its_state_is_on_disk_not_when_it_is_kept()
    {
        RunProgress asked = AskedFor(Stop());
        Assert.Empty(machine.Handle(new StateKept(asked)));
        Assert.Contains(machine.Handle(new CheckpointWritten(CheckpointKind.Last, 1, "last")), effect => effect is ConcludeRun { Conclusion.Status: RunStatus.Stopped });
    }

    [Fact]
    public void Coordinator_that_takes_a_run_over_behind_an_epochs_end_has_its_figures_from_the_servers()
    {
        View view = machine.View;
        for (long step = 0; step < 9; step++)
        {
            machine.Handle(Commit(step, view.Number, held: false), default);
        }

        // Whoever keeps the run was told of the first eight steps; then its coordinator was lost.
        RunProgress told = machine.Progress;
        RunProgress end = AskedFor(machine.Handle(Commit(9, view.Number, held: true), default));
        StepCommitted[] commits = [.. Enumerable.Range(0, 12).Select(step => Commit(step, view.Number, held: step == 9))];
        RunRecovered recovered = Recovered(view, [.. commits.Skip(9)], continued: 10, told);

        (CoordinatorMachine next, IReadOnlyList<CoordinatorEffect> effects) = TakeOver(recovered with { Epochs = [end] });
        Assert.Equal(12, next.Progress.Step);
        Assert.Equal((end.Train, 16), (next.Progress.Train, next.Progress.EpochTotals.Rows));
        Assert.Equal(
            ["step 10", "epoch 1", "step 11", "step 12"],
            effects.OfType<Notify>().Select(notify => notify.Event switch
            {
                StepCommittedEvent step => $"step {step.Metrics.Step}",
                EpochCompleted epoch => $"epoch {epoch.Metrics.Epoch}",
                _ => null,
            }).OfType<string>());

        // Whoever keeps the run may not have heard that this state is to be kept.
        Assert.Equal(10, effects.Select(effect => effect is TellParameterServer { Message: WriteCheckpoint wanted } ? wanted.Progress : null).OfType<RunProgress>().First().Step);

        // Where nobody knows the figures they are computed again, from the last checkpoint on.
        (next, effects) = TakeOver(recovered);
        Assert.Equal(0, next.Progress.Step);
        Assert.Equal(0, effects.OfType<SupplyRanges>().Single().Arrangement.Step);
    }

    [Fact]
    public void Coordinator_that_takes_a_run_over_tells_of_views_that_its_predecessor_may_not_have_told_of()
    {
        View view = machine.View;
        RunRecovered recovered = Recovered(view, [Commit(0, view.Number + 1, held: false)], continued: 0, RunProgress.Start) with
        {
            Views = [view with { Number = view.Number + 1 }, view],
        };
        Assert.Equal([view.Number + 1], Told(lastView: view.Number));
        Assert.Equal([view.Number, view.Number + 1], Told(lastView: 0));
        Assert.Empty(Told(lastView: view.Number + 1));

        IEnumerable<int> Told(int lastView) => TakeOver(recovered, lastView).Effects
            .TakeWhile(effect => effect is not Notify { Event: StepCommittedEvent })
            .OfType<Notify>().Select(notify => notify.Event).OfType<ViewStands>().Select(stands => stands.View.Number);
    }

    private static RunRecovered Recovered(View view, IReadOnlyList<StepCommitted> commits, long continued, RunProgress newest) =>
        new(view, [.. view.Ranges.Select(range => range.Worker)], [], [0], commits, continued, AreReady: true, newest, [], []);

    private static (CoordinatorMachine Machine, IReadOnlyList<CoordinatorEffect> Effects) TakeOver(RunRecovered recovered, int lastView = 1)
    {
        var next = new CoordinatorMachine(Shape, RunProgress.Start, PieceDealer.Whole(1), lastView);
        return (next, next.Handle(recovered, default));
    }

    private IReadOnlyList<CoordinatorEffect> Stop()
    {
        machine.Handle(new StopRequested());
        return machine.Handle(Commit(0, 1, held: true), default);
    }

    private int SharesOf(int worker) => machine.View.RangeOf(Worker(worker))?.Count ?? 0;

    private static RunProgress AskedFor(IReadOnlyList<CoordinatorEffect> effects) =>
        effects.Select(effect => effect is TellParameterServer { Message: WriteCheckpoint wanted } ? wanted.Progress : null).OfType<RunProgress>().Single();

    private static WorkerId Worker(int number) => new(number, 0);

    private static StepCommitted Commit(long step, int view, bool held) =>
        new(step, new GradientTotals(8, 1, 0), 0.1, null, held, [new CountedSubtree(0, new TreeNode(3, 0))], [], 0, view);
}
