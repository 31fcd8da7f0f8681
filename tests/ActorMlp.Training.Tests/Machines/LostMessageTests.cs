using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Words that got lost as their connection ended: what is said again, when, and what whoever missed it makes of what follows.</summary>
public sealed class LostMessageTests
{
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0)];
    private static readonly ParameterPiece[] Pieces = [new(0, 0, 4), new(1, 4, 4)];

    private static readonly RunShape Shape = new()
    {
        Epochs = 2,
        StepsPerEpoch = 5,
        Shards = 4,
        Workers = 2,
        Layers = 1,
        ParameterLength = 8,
        LearningRate = _ => 0.1,
        Patience = TimeSpan.FromSeconds(5),
    };

    [Fact]
    public void Views_are_newer_than_any_that_the_keeper_heard_of()
    {
        Assert.Equal(1, First(Coordinator(0)).Number);
        View later = First(Coordinator(65539));
        Assert.Equal((131073, 131073), (later.Number, later.Arrangement.Number));

        // Also where nodes know of older ones only.
        CoordinatorMachine next = Coordinator(65539);
        next.Handle(
            new RunRecovered(ViewOf(1), Workers, [], [0, 1], [], 0, true, RunProgress.Start, [], []), TimeSpan.Zero);
        Assert.Equal(131072, next.View.Number);
    }

    [Fact]
    public void Ranges_are_asked_for_again_with_the_view_that_they_belong_to()
    {
        CoordinatorMachine coordinator = Coordinator(0);
        View view = First(coordinator);
        Assert.Empty(coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(19)));
        IReadOnlyList<CoordinatorEffect> again = coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(20));
        Assert.Equal(view.Arrangement, Assert.Single(again.OfType<SupplyRanges>()).Arrangement);
        Assert.Equal(view.Arrangement, Assert.Single(again.OfType<PublishView>()).Message.View.Arrangement);
    }

    [Fact]
    public void Run_that_stands_still_says_all_again_twice_and_then_goes_back()
    {
        CoordinatorMachine coordinator = Coordinator(0);
        First(coordinator);
        coordinator.Handle(new RangeReady(0, 1), TimeSpan.Zero);
        coordinator.Handle(new RangeReady(1, 1), TimeSpan.Zero);
        coordinator.Handle(Committed(0), TimeSpan.FromSeconds(0.1));
        coordinator.Handle(Committed(1), TimeSpan.FromSeconds(0.2));
        Assert.Empty(coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(5)));
        Assert.Contains(
            new TellParameterServer(new ContinueTraining(2, 2)), coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(5.2)));
        Assert.Empty(coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(25)));
        Assert.Contains(
            new TellParameterServer(new ContinueTraining(2, 3)), coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(25.2)));
        Assert.Equal(2, coordinator.Progress.Step);
        Assert.NotEmpty(coordinator.Handle(new ProgressDue(), TimeSpan.FromSeconds(105.2)));
        Assert.Equal(0, coordinator.Progress.Step);
    }

    [Fact]
    public void Server_that_was_not_told_to_go_on_does_so_when_the_run_is_further()
    {
        ParameterServerMachine server = Held();
        Assert.Empty(server.Handle(Gradient(0, 1, new TreeNode(2, 0))).OfType<ApplyUpdate>());
        Assert.Single(server.Handle(new ContinueTraining(1, 1)).OfType<ApplyUpdate>());

        // What is said of a step that is over opens nothing.
        server = Held();
        Assert.Single(server.Handle(new ContinueTraining(0, 1)).Concat(server.Handle(Gradient(0, 1, new TreeNode(2, 0)))).OfType<ApplyUpdate>());
        server.Handle(new UpdateApplied(1, 0, default, 4));
        Assert.Equal(1, server.Step);
        Assert.Empty(server.Handle(new ContinueTraining(0, 1)));
    }

    [Fact]
    public void Worker_sends_what_it_began_in_an_older_view_as_the_lead_may_wait_for_it_there()
    {
        var worker = new WorkerMachine(Workers[1], 3);
        worker.Handle(new ViewPublished(ViewOf(1)));
        ComputeSubtree begun = Assert.IsType<ComputeSubtree>(Assert.Single(worker.Handle(new StepOpened(1, 0, []))));
        Assert.Equal(new TreeNode(1, 1), begun.Node);

        // In the next view it owns another part of the step.
        worker.Handle(new ViewPublished(ViewOf(2) with { Ranges = [new(Workers[1], 0, 2), new(Workers[0], 2, 4)] }));
        worker.Handle(new StepOpened(2, 0, []));
        SubtreeComputed sent = Assert.Single(worker.Handle(new SubtreeFinished(0, begun.Node, default, new GradientPart(begun.Node, new float[8]), begun.View)).OfType<SendSubtree>()).Result;
        Assert.Equal((begun.Node, 2), (sent.Node, sent.View));
    }

    private static CoordinatorMachine Coordinator(int lastView) => new(Shape, RunProgress.Start, new PieceDealer([0, 4, 8], 4), lastView);

    private static View First(CoordinatorMachine coordinator) =>
        Assert.Single(coordinator.Handle(new NodesGathered(Workers, [0, 1])).OfType<PublishView>()).Message.View;

    private static View ViewOf(int number) => new(number, [new(Workers[0], 0, 2), new(Workers[1], 2, 4)]) { Arrangement = new Arrangement(1, 0, Pieces) };

    private static StepCommitted Committed(long step) => new(step, new GradientTotals(8, 1, 0), 0.1, null, false, [], [], 0, 1);

    private static ParameterServerMachine Held()
    {
        var server = new ParameterServerMachine(Shape, 1);
        server.Handle(new ViewPublished(ViewOf(1)));
        server.Handle(new RangeAcquired(1));
        return server;
    }

    private static SubtreeComputed Gradient(long step, int view, TreeNode node) =>
        new(Workers[0], view, step, node, new GradientTotals(8, 1, 0), new GradientPart(node, new float[4])) { Offset = 4 };
}
