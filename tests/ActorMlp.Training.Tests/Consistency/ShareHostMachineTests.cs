using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Consistency;

/// <summary>Parameter servers and workers of shares on nodes: arrangements that come and go, and the checkpoints from which the next begins.</summary>
public sealed class ShareHostMachineTests
{
    private static readonly RunShape Shape = new()
    {
        Epochs = 2,
        StepsPerEpoch = 5,
        Shards = 8,
        Workers = 2,
        LearningRate = _ => 0.1,
        Sharing = new ShareRules(new ConsistencyRule(ConsistencyMode.Async, long.MaxValue, 0, 1), 80, 16, 8),
    };

    private static readonly ParameterPiece[] ToFirst = [new(0, 0, 4), new(0, 4, 4)];
    private static readonly ParameterPiece[] ToSecond = [new(1, 0, 4), new(1, 4, 4)];

    [Fact]
    public void Lead_acquires_everything_sends_weights_and_grants_once_the_coordinator_lets_it()
    {
        var host = new ShareHostMachine(Shape, 0);
        var acquire = Assert.IsType<AcquireRange>(Assert.Single(host.Handle(View(1, new Arrangement(1, 0, ToFirst, 2)))));
        Assert.Equal(ToFirst, acquire.Pieces);
        Assert.Empty(host.Handle(new ContinueTraining(0, 1)));
        Assert.Empty(host.Handle(new RangeAcquired(7)));
        IReadOnlyList<ParameterServerEffect> ready = host.Handle(new RangeAcquired(1));
        Assert.Equal(new RangeReady(0, 1), ready.OfType<TellCoordinator>().Single().Message);
        Assert.Equal(
            [new WeightsArrived(1, 0, 0, 1, Held: true), new WeightsArrived(1, 0, 4, 1, Held: true)], ready.OfType<SendWeights>().Select(send => send.Message));
        Assert.Equal(
            [new ShareWork(0, 1, 0, 0, 1, 1), new ShareWork(1, 2, 0, 0, 1, 1)], host.Handle(new ContinueTraining(0, 1)).OfType<GrantShare>().Select(grant => grant.Work));
    }

    [Fact]
    public void Node_that_is_not_the_lead_lets_go_and_hears_of_nothing()
    {
        var host = new ShareHostMachine(Shape, 0);
        host.Handle(View(1, new Arrangement(1, 0, ToFirst, 2)));
        host.Handle(new RangeAcquired(1));
        Assert.Empty(Assert.IsType<AcquireRange>(Assert.Single(host.Handle(View(2, new Arrangement(2, 0, ToSecond, 2))))).Pieces);
        Assert.Empty(host.Handle(new ContinueTraining(0, 2)));
        Assert.False(host.Needs(new ShareComputed(new WorkerId(0, 0), new ShareWork(0, 1, 0, 0, 1, 1), [default])));
        Assert.False(host.Standing().IsReady);
    }

    [Fact]
    public void Result_of_an_older_arrangement_is_void_although_its_ticket_is_the_newest()
    {
        var host = new ShareHostMachine(Shape, 0);
        Open(host, View(3, new Arrangement(3, 0, ToFirst, 2)));
        var old = new ShareComputed(new WorkerId(1, 0), new ShareWork(1, 2, 0, 0, 1, 2), [new GradientTotals(8, 1, 0)]);
        Assert.False(host.Needs(old));
        Assert.Empty(host.Handle(old));
        Assert.True(host.Needs(old with { Work = old.Work with { Arrangement = 3 } }));
    }

    [Fact]
    public void Newcomer_gets_the_weights_while_the_run_holds_and_commits_are_told_again_until_the_coordinator_knows_them()
    {
        var host = new ShareHostMachine(Shape with { CheckpointEverySteps = 1 }, 0);
        Arrangement arrangement = new(1, 0, ToFirst, 2);
        Open(host, View(1, arrangement));
        host.Handle(Computed(0, 1));
        host.Handle(Computed(1, 2));
        host.Handle(new ShareUpdateApplied(0, default));
        IReadOnlyList<ParameterServerEffect> held = host.Handle(new ShareUpdateApplied(1, default));
        StepCommitted commit = Assert.IsType<StepCommitted>(held.OfType<TellCoordinator>().Single().Message);
        Assert.True(commit.Held);
        Assert.All(held.OfType<SendWeights>(), send => Assert.Null(send.To));

        View joined = new(2, [.. View(1, arrangement).View.Ranges, new ShardRange(new WorkerId(2, 0), 8, 8)]) { Arrangement = arrangement };
        IReadOnlyList<ParameterServerEffect> greeted = host.Handle(new ViewPublished(joined, CommittedSteps: 0));
        Assert.Equal(commit, greeted.OfType<TellCoordinator>().Single().Message);
        Assert.All(greeted.OfType<SendWeights>(), send => Assert.Equal([new WorkerId(2, 0)], send.To!));
        Assert.Empty(host.Handle(new ViewPublished(joined with { Number = 3 }, CommittedSteps: 1)));
    }

    [Fact]
    public void Share_of_a_lost_worker_goes_to_a_worker_without_a_share()
    {
        var host = new ShareHostMachine(Shape, 0);
        Arrangement arrangement = new(1, 0, ToFirst, 2);
        Open(host, View(1, arrangement));
        View others = new(2, [new ShardRange(new WorkerId(0, 0), 0, 4), new ShardRange(new WorkerId(5, 0), 4, 8)]) { Arrangement = arrangement };
        GrantShare grant = host.Handle(new ViewPublished(others)).OfType<GrantShare>().Single();
        Assert.Equal((new WorkerId(5, 0), 1), (grant.Worker, grant.Work.Share));
    }

    [Fact]
    public void Worker_forgets_orders_of_an_older_arrangement_and_keeps_its_result_to_itself()
    {
        var worker = new ShareWorkerMachine(new WorkerId(0, 0));
        var first = new ShareWork(0, 1, 0, 0, 1, 1);
        Assert.Equal(new ComputeShare(first), Assert.Single(worker.Handle(first)));
        Assert.Empty(worker.Handle(first with { Share = 1, Ticket = 2 }));
        worker.Handle(View(2, new Arrangement(2, 0, ToSecond, 2)));
        Assert.Empty(worker.Handle(first));
        Assert.Empty(worker.Handle(first with { Ticket = 3 }));
        ShareWork next = first with { Arrangement = 2 };
        Assert.Empty(worker.Handle(next));
        Assert.Equal(new ComputeShare(next), Assert.Single(worker.Handle(new ShareFinished(first, [default], null))));
        Assert.Equal(next, Assert.IsType<SendShare>(Assert.Single(worker.Handle(new ShareFinished(next, [default], null)))).Result.Work);
    }

    [Fact]
    public void Coordinator_goes_back_to_the_newest_checkpoint_that_is_kept_even_if_it_hears_of_it_late()
    {
        var coordinator = new CoordinatorMachine(Shape with { Workers = 1, CheckpointEverySteps = 1 }, RunProgress.Start, new PieceDealer([0, 4, 8], 4) { MostServers = 1 });
        IReadOnlyList<CoordinatorEffect> begun = coordinator.Handle(new NodesGathered([new WorkerId(0, 0), new WorkerId(1, 0)], [0, 1]));
        Assert.Equal((2, 0), (coordinator.View.Arrangement.Shares, coordinator.View.Arrangement.Lead));
        Assert.Contains(begun, effect => effect is SupplyRanges);
        coordinator.Handle(new RangeReady(0, 1), default);
        var commit = new StepCommitted(0, new GradientTotals(16, 1, 0), 0.1, null, Held: true, [], [], 0, 1);
        RunProgress progress = coordinator.Handle(commit, default)
            .Select(effect => effect is TellParameterServer { Message: WriteCheckpoint wanted } ? wanted.Progress : null).OfType<RunProgress>().Single();

        // The lead is lost before the coordinator hears that the checkpoint's state is kept: it asks for the state of step 0, and gets the word instead.
        IReadOnlyList<CoordinatorEffect> lost = coordinator.Handle(new NodeLost(0, "gone"), default);
        Assert.Equal(0, lost.OfType<SupplyRanges>().Single().Arrangement.Step);
        Assert.DoesNotContain(lost, effect => effect is Notify { Event: RunRewound });
        IReadOnlyList<CoordinatorEffect> told = coordinator.Handle(new StateKept(progress));
        Arrangement next = told.OfType<SupplyRanges>().Single().Arrangement;
        Assert.Equal((1L, 1, 2), (next.Step, next.Lead, next.Shares));
        Assert.Contains(
            coordinator.Handle(new RangeReady(1, next.Number), default), effect => effect is Notify { Event: RunRewound { Step: 1, MayDiffer: true } });
    }

    private static ViewPublished View(int number, Arrangement arrangement) => new(
        new View(number, [new ShardRange(new WorkerId(0, 0), 0, 4), new ShardRange(new WorkerId(1, 0), 4, 8)]) { Arrangement = arrangement });

    private static void Open(ShareHostMachine host, ViewPublished view)
    {
        host.Handle(view);
        host.Handle(new RangeAcquired(view.View.Arrangement.Number));
        Assert.Equal(2, host.Handle(new ContinueTraining(0, view.View.Number)).OfType<GrantShare>().Count());
    }

    private static ShareComputed Computed(int share, long ticket) =>
        new(new WorkerId(share, 0), new ShareWork(share, ticket, 0, 0, 1, 1), [new GradientTotals(8, 1, 0)]);
}
