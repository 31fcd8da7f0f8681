using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>When a step is late, who is asked, and what a worker makes of it.</summary>
public sealed class StragglerTests
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(300);
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0), new(2, 0)];
    private static readonly View View = new(1, [new(Workers[0], 0, 4), new(Workers[1], 4, 6), new(Workers[2], 6, 8)])
    {
        Arrangement = new Arrangement(1, 0, [new ParameterPiece(0, 0, 2)]),
    };

    [Fact]
    public void Step_is_late_after_several_times_what_steps_take_and_the_least()
    {
        var watch = new StragglerWatch(3, Least);
        Assert.False(watch.IsLate(0, true, At(0)));
        Assert.False(watch.IsLate(0, true, At(5000)));      // Nothing is known of steps yet.
        Assert.False(watch.IsLate(50, true, At(10_000)));   // 200 ms a step, as it seems.
        Assert.False(watch.IsLate(50, true, At(10_600)));
        Assert.True(watch.IsLate(50, true, At(10_601)));
        Assert.True(watch.IsLate(50, true, At(11_000)));

        // What a late step took does not make the next ones seem fast.
        Assert.False(watch.IsLate(51, true, At(20_000)));
        Assert.True(watch.IsLate(51, true, At(20_601)));
    }

    [Fact]
    public void Time_in_which_the_run_holds_is_nobodys_delay()
    {
        var watch = new StragglerWatch(3, Least);
        watch.IsLate(0, true, At(0));
        watch.IsLate(100, true, At(1000));
        Assert.False(watch.IsLate(100, false, At(50_000)));
        Assert.False(watch.IsLate(100, true, At(50_100)));
        Assert.False(watch.IsLate(100, true, At(50_400)));
        Assert.True(watch.IsLate(100, true, At(50_401)));
    }

    [Fact]
    public void Steps_are_never_late_where_help_is_off()
    {
        var watch = new StragglerWatch(0, Least);
        watch.IsLate(0, true, At(0));
        watch.IsLate(100, true, At(1000));
        Assert.False(watch.IsLate(100, true, At(1_000_000)));
    }

    [Fact]
    public void Late_shards_are_dealt_to_those_who_are_done_and_the_first_copy_counts()
    {
        ParameterServerMachine server = OpenServer();
        server.Handle(Result(Workers[0], 2, 0));
        server.Handle(Result(Workers[2], 1, 3));
        AskForHelp[] asked = [.. Late(server)];
        Assert.Equal([Workers[0], Workers[2]], asked.Select(ask => ask.To));
        Assert.Equal([new TreeNode(0, 4), new TreeNode(0, 5)], asked.SelectMany(ask => ask.Message.Nodes));
        Assert.Empty(Late(server));

        // Both of them help, and then the late one comes after all.
        server.Handle(Result(Workers[0], 0, 4));
        IReadOnlyList<ParameterServerEffect> effects = server.Handle(Result(Workers[2], 0, 5));
        Assert.Contains(effects, effect => effect is ApplyUpdate);
        server.Handle(Result(Workers[1], 1, 2));
        StepCommitted committed = Commit(server);
        Assert.Equal([new RedealtShards(1, 4, 2, RedealReason.Late)], committed.Redealt);
        Assert.Equal(
            [new CountedSubtree(0, new TreeNode(2, 0)), new CountedSubtree(0, new TreeNode(0, 4)), new CountedSubtree(2, new TreeNode(0, 5)), new CountedSubtree(2, new TreeNode(1, 3))],
            committed.Contributions);
        Assert.Equal(2, committed.ShardsInVain);
    }

    [Fact]
    public void Late_worker_is_helped_from_the_beginning_of_a_step_until_it_is_in_time()
    {
        ParameterServerMachine server = OpenServer();
        server.Handle(Result(Workers[0], 2, 0));
        server.Handle(Result(Workers[2], 1, 3));
        Late(server);
        server.Handle(Result(Workers[0], 0, 4));
        server.Handle(Result(Workers[2], 0, 5));
        IReadOnlyList<ParameterServerEffect> next = server.Handle(new UpdateApplied(1, 100, default, 0));
        Assert.Equal(2, next.OfType<AskForHelp>().Count());

        // This time it comes first.
        server.Handle(Result(Workers[1], 1, 2, step: 101));
        server.Handle(Result(Workers[0], 2, 0, step: 101));
        server.Handle(Result(Workers[2], 1, 3, step: 101));
        Assert.Empty(server.Handle(new UpdateApplied(1, 101, default, 0)).OfType<AskForHelp>());
    }

    [Fact]
    public void Nobody_is_asked_where_nothing_has_come_from_anybody()
    {
        ParameterServerMachine server = OpenServer();
        Assert.Empty(Late(server));
    }

    [Fact]
    public void Worker_beside_the_server_is_not_asked_for_a_whole_step_that_the_standby_may_know_nothing_of()
    {
        ParameterServerMachine cutOff = OpenServer(View with { Arrangement = new Arrangement(1, 0, [new ParameterPiece(0, 0, 2, Standby: 1)]) });
        cutOff.Handle(Result(Workers[0], 2, 0));
        Assert.Empty(Late(cutOff));

        // A worker elsewhere has the step's weights from the standby.
        cutOff.Handle(Result(Workers[2], 1, 3));
        Assert.NotEmpty(Late(cutOff));
        ParameterServerMachine withoutStandby = OpenServer();
        withoutStandby.Handle(Result(Workers[0], 2, 0));
        Assert.NotEmpty(Late(withoutStandby));
    }

    [Fact]
    public void Worker_computes_what_it_is_asked_for_after_its_own_and_sends_it_to_be_counted()
    {
        var worker = new WorkerMachine(Workers[0], 3);
        worker.Handle(new ViewPublished(View));
        Assert.Equal(new ComputeSubtree(7, new TreeNode(2, 0), 1), Assert.Single(worker.Handle(new StepOpened(1, 7, []))));
        Assert.Empty(worker.Handle(new ComputeAlso(1, 7, [new TreeNode(1, 2)])));
        Assert.Empty(worker.Handle(new ComputeAlso(1, 7, [new TreeNode(1, 2)])));
        Assert.Contains(new ComputeSubtree(7, new TreeNode(1, 2), 1), worker.Handle(Finished(7, new TreeNode(2, 0))));
        SendSubtree sent = Assert.IsType<SendSubtree>(Assert.Single(worker.Handle(Finished(7, new TreeNode(1, 2)))));
        Assert.Equal((new TreeNode(1, 2), false), (sent.Result.Node, sent.Result.Verifies));

        // Asked once more, it has it.
        worker.Handle(new ComputeAlso(1, 7, [new TreeNode(0, 6)]));
        Assert.Empty(worker.Handle(new ComputeAlso(1, 6, [new TreeNode(0, 7)])));
    }

    [Fact]
    public void Help_waits_until_the_steps_weights_are_there()
    {
        var weights = new WeightsMachine();
        weights.Handle(new ViewPublished(View));
        var asked = new ComputeAlso(1, 1, [new TreeNode(1, 2)]);
        weights.Handle(new WeightsArrived(1, 0, 0, 1, Held: false));
        Assert.Empty(weights.Handle(asked));
        IWorkerMessage[] handed = [.. weights.Handle(new WeightsArrived(1, 1, 0, 1, Held: false)).OfType<HandToWorker>().Select(hand => hand.Message)];
        Assert.IsType<StepOpened>(handed[0]);
        Assert.Same(asked, handed[1]);
        Assert.Empty(weights.Handle(asked with { Step = 0 }));
    }

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    /// <summary>A server in its 100th step; steps have taken 10 ms.</summary>
    private static ParameterServerMachine OpenServer(View? view = null)
    {
        var server = new ParameterServerMachine(
            new RunShape { Epochs = 1, StepsPerEpoch = 1000, Shards = 8, Workers = 3, LearningRate = _ => 0.1, StragglerFactor = 3, LateAfter = Least }, 0);
        server.Handle(new ViewPublished(view ?? View));
        server.Handle(new RangeAcquired(1));
        server.Handle(new ContinueTraining(0, 1));
        server.Handle(new LatenessDue(), At(0));
        for (int step = 0; step < 100; step++)
        {
            server.Handle(Result(Workers[0], 2, 0, step));
            server.Handle(Result(Workers[1], 1, 2, step));
            server.Handle(Result(Workers[2], 1, 3, step));
            server.Handle(new UpdateApplied(1, step, default, 0));
        }

        Assert.Empty(server.Handle(new LatenessDue(), At(1000)));
        return server;
    }

    private static IEnumerable<AskForHelp> Late(ParameterServerMachine server) => server.Handle(new LatenessDue(), At(1400)).Cast<AskForHelp>();

    private static StepCommitted Commit(ParameterServerMachine server) =>
        server.Handle(new UpdateApplied(1, 100, default, 0)).OfType<TellCoordinator>().Select(tell => tell.Message).OfType<StepCommitted>().Single();

    private static SubtreeComputed Result(WorkerId worker, int level, int index, long step = 100)
    {
        var node = new TreeNode(level, index);
        return new SubtreeComputed(worker, 1, step, node, new GradientTotals(node.ShardCount, 1, 0), new GradientPart(node, new float[2]));
    }

    private static SubtreeFinished Finished(long step, TreeNode node) =>
        new(step, node, new GradientTotals(node.ShardCount, 1, 0), new GradientPart(node, new float[2]), 1);
}
