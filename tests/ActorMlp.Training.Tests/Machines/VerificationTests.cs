using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Shards that two workers compute: which, by whom, that they are compared before the step is committed, and that one wrong bit is found.</summary>
public sealed class VerificationTests
{
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0), new(2, 0)];

    private static readonly RunShape Shape = new()
    {
        Epochs = 1,
        StepsPerEpoch = 12,
        Shards = 8,
        Workers = 1,
        Seed = 7,
        VerifyFraction = 1,
        TestRows = 300,
        LearningRate = _ => 0.1,
    };

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.25, 0.02)]
    [InlineData(1, 0)]
    public void Plan_chooses_the_share_that_was_asked_for(double fraction, double tolerance)
    {
        var plan = new VerificationPlan(7, fraction, 16, 1);
        int[] chosen = [.. Enumerable.Range(0, 1000).Select(step => plan.NodesOf(step).Count)];

        Assert.InRange(chosen.Sum() / 16_000.0, fraction - tolerance, fraction + tolerance);
        Assert.Equal(chosen, Enumerable.Range(0, 1000).Select(step => new VerificationPlan(7, fraction, 16, 1).NodesOf(step).Count));
    }

    [Fact]
    public void Plan_of_another_seed_chooses_others() => Assert.NotEqual(
        Enumerable.Range(0, 50).SelectMany(step => new VerificationPlan(7, 0.5, 16, 1).NodesOf(step)),
        Enumerable.Range(0, 50).SelectMany(step => new VerificationPlan(8, 0.5, 16, 1).NodesOf(step)));

    [Fact]
    public void Second_worker_is_never_the_owner_and_is_each_of_the_others_now_and_then()
    {
        var plan = new VerificationPlan(Shape);
        var view = new View(1, ShardDealer.Deal(8, Workers));
        var pairs = (from step in Enumerable.Range(0, 40)
                     from node in plan.NodesOf(step)
                     select (Owner: view.OwnerOf(node.FirstShard)!.Value.Number, Second: plan.VerifierOf(view, step, node)!.Value.Number)).ToHashSet();

        Assert.Equal([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)], pairs.Order());
        Assert.Null(plan.VerifierOf(new View(1, ShardDealer.Deal(8, Workers[..1])), 0, new TreeNode(0, 0)));

        // Who waits for the next step has not had the weights of this one.
        var waits = new View(1, [.. ShardDealer.Deal(8, Workers[..1]), new ShardRange(Workers[1], 8, 8)]);
        Assert.Null(plan.VerifierOf(waits, 0, new TreeNode(0, 0)));
    }

    [Theory]
    [InlineData(0.1, 1)]
    [InlineData(0.5, 2)]
    [InlineData(1, 4)]
    public void Split_makes_each_chosen_subtree_one_by_itself_and_loses_none(double fraction, int together)
    {
        var plan = new VerificationPlan(3, fraction, 64, together);
        for (int step = 0; step < 50; step++)
        {
            TreeNode[] parts = [.. plan.Split(TreeNode.Root(64), step)];
            Assert.Equal(Enumerable.Range(0, 64), parts.SelectMany(node => Enumerable.Range(node.FirstShard, node.ShardCount)));
            Assert.All(plan.NodesOf(step), node => Assert.Contains(node, parts));
            Assert.All(parts, node => Assert.True(plan.Includes(step, node) || !plan.NodesOf(step).Any(node.Covers), $"{node}"));
        }
    }

    [Fact]
    public void Step_waits_for_the_second_computation_and_counts_it()
    {
        (ParameterServerMachine server, View view) = Opened();
        IReadOnlyList<ParameterServerEffect> effects = Send(server, view, second: false, spoiled: false);
        Assert.Empty(effects);
        effects = Send(server, view, second: true, spoiled: false);
        ApplyUpdate apply = Assert.Single(effects.OfType<ApplyUpdate>());
        StepCommitted committed = Assert.Single(server.Handle(new UpdateApplied(apply.Arrangement, 0, default, 0))
            .OfType<TellCoordinator>().Select(tell => tell.Message).OfType<StepCommitted>());
        Assert.Equal((8, 0), (committed.ShardsVerified, committed.DuplicatesDropped));
        Assert.All(committed.Contributions, one => Assert.Equal(view.OwnerOf(one.Node.FirstShard)!.Value.Number, one.Worker));
    }

    [Fact]
    public void Second_computation_that_comes_first_is_kept_and_not_counted()
    {
        (ParameterServerMachine server, View view) = Opened();
        Assert.Empty(Send(server, view, second: true, spoiled: false));
        Assert.Single(Send(server, view, second: false, spoiled: false).OfType<ApplyUpdate>());
    }

    [Fact]
    public void Second_computation_is_kept_beside_one_of_the_worker_that_owned_nothing_of_it_yet_and_is_then_counted()
    {
        (ParameterServerMachine server, View view) = Opened();
        Send(server, view, second: true, spoiled: false);
        foreach (TreeNode node in Enumerable.Range(0, 8).Select(shard => new TreeNode(0, shard)))
        {
            // Of a view before, in which its owner had it for comparison.
            WorkerId owner = view.OwnerOf(node.FirstShard)!.Value;
            server.Handle(new SubtreeComputed(owner, 1, 0, node, new GradientTotals(1, 1, 0), new GradientPart(node, new float[] { node.Index })) { Verifies = true });
        }

        Assert.Single(Send(server, view, second: false, spoiled: false).OfType<ApplyUpdate>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_wrong_bit_is_told_with_both_workers_whichever_comes_first(bool secondFirst)
    {
        (ParameterServerMachine server, View view) = Opened();
        Send(server, view, secondFirst, spoiled: secondFirst);
        DuplicatesDiffer[] told = [.. Send(server, view, !secondFirst, spoiled: !secondFirst)
            .OfType<TellCoordinator>().Select(tell => tell.Message).OfType<DuplicatesDiffer>()];
        Assert.Equal(8, told.Length);
        Assert.All(told, one =>
        {
            Assert.Equal(view.OwnerOf(one.Node.FirstShard), one.First);
            Assert.NotEqual(one.First, one.Second);
        });
    }

    [Fact]
    public void Step_goes_on_without_the_second_computation_of_a_worker_that_is_lost()
    {
        (ParameterServerMachine server, View view) = Opened(Workers[..2]);
        Assert.Empty(Send(server, view, second: false, spoiled: false));
        var rest = new View(2, ShardDealer.Deal(8, Workers[..1])) { Arrangement = view.Arrangement };
        Assert.Single(server.Handle(new ViewPublished(rest)).OfType<ApplyUpdate>());
    }

    [Fact]
    public void Worker_computes_its_own_shards_first_and_then_those_it_verifies()
    {
        var plan = new VerificationPlan(Shape);
        var view = new View(1, ShardDealer.Deal(8, Workers)) { Arrangement = new Arrangement(1, 0, [new ParameterPiece(0, 0, 1)]) };
        var worker = new WorkerMachine(Workers[1], 3, new VerificationPlan(Shape));
        worker.Handle(new ViewPublished(view));
        var tasks = new List<ComputeSubtree>();
        var sent = new List<SubtreeComputed>();
        IReadOnlyList<WorkerEffect> effects = worker.Handle(new StepOpened(1, 0, []));
        while (effects.OfType<ComputeSubtree>().SingleOrDefault() is { } task)
        {
            tasks.Add(task);
            effects = worker.Handle(new SubtreeFinished(0, task.Node, new GradientTotals(1, 1, 0), new GradientPart(task.Node, new float[1]), 1));
            sent.AddRange(effects.OfType<SendSubtree>().Select(effect => effect.Result));
        }

        ShardRange own = view.RangeOf(Workers[1])!;
        Assert.Equal(Enumerable.Range(own.First, own.Count), tasks.Take(own.Count).Select(task => task.Node.FirstShard));
        Assert.Equal(plan.NodesOf(Workers[1], view, 0), tasks.Skip(own.Count).Select(task => task.Node));
        Assert.All(tasks, task => Assert.Equal((true, task.Node.FirstShard < own.First || task.Node.FirstShard >= own.End), (task.Alone, task.Verifies)));
        Assert.Equal(tasks.Select(task => (task.Node, task.Verifies)), sent.Select(result => (result.Node, result.Verifies)));
    }

    [Theory]
    [InlineData(3, 3, 0)]
    [InlineData(3, 1, 2)]
    [InlineData(2, 2, 1)]
    [InlineData(5, 3, 4)]
    public void Node_that_computes_one_wrong_bit_ends_the_run_by_name(int nodes, int servers, int errs)
    {
        SimulationResult result = Simulate(Shape, nodes, servers, errs);

        Assert.Matches($"computed different gradients for shard \\d of step 1", result.Violation);
        Assert.Contains($"worker {errs}", result.Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_verification_the_wrong_bit_goes_unnoticed_into_the_weights()
    {
        RunShape shape = Shape with { VerifyFraction = 0 };
        SimulationResult right = Simulate(shape, 3, 3, null), wrong = Simulate(shape, 3, 3, 1);
        Assert.Null(wrong.Violation);
        Assert.NotEqual(right.Weights, wrong.Weights);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    public void Nodes_that_are_right_verify_all_that_was_chosen_and_end_with_the_same_weights(int nodes, int servers)
    {
        RunShape shape = Shape with { VerifyFraction = 0.4 };
        var plan = new VerificationPlan(shape);
        SimulationResult result = Simulate(shape, nodes, servers, null);

        Assert.Null(result.Violation);
        Assert.Equal(Simulate(Shape with { VerifyFraction = 0 }, 1, 1, null).Weights, result.Weights);
        int chosen = Enumerable.Range(0, 12).Sum(step => plan.NodesOf(step).Count);
        Assert.Equal(nodes == 1 ? 0 : chosen, result.Conclusion!.Progress.Ledger.ShardsVerified);
        Assert.InRange(chosen, 20, 60);
    }

    private static SimulationResult Simulate(RunShape shape, int nodes, int servers, int? errs) => new ClusterSimulation(
        new CheckingModel(shape, 8, owes: false),
        new SimulationOptions { Nodes = nodes, Servers = servers, MinimumWorkers = nodes, NodeThatErrs = errs }).Run();

    /// <summary>A server with one piece and the first step open.</summary>
    private static (ParameterServerMachine Server, View View) Opened(IReadOnlyList<WorkerId>? workers = null)
    {
        var server = new ParameterServerMachine(Shape, 0);
        var view = new View(1, ShardDealer.Deal(8, workers ?? Workers)) { Arrangement = new Arrangement(1, 0, [new ParameterPiece(0, 0, 1)]) };
        server.Handle(new ViewPublished(view));
        server.Handle(new RangeAcquired(1));
        server.Handle(new ContinueTraining(0, 1));
        return (server, view);
    }

    /// <summary>Every shard of the first step, from its owner or from whoever computes it for the second time.</summary>
    private static List<ParameterServerEffect> Send(ParameterServerMachine server, View view, bool second, bool spoiled)
    {
        var plan = new VerificationPlan(Shape);
        var effects = new List<ParameterServerEffect>();
        foreach (TreeNode node in Enumerable.Range(0, 8).Select(shard => new TreeNode(0, shard)))
        {
            WorkerId worker = second ? plan.VerifierOf(view, 0, node)!.Value : view.OwnerOf(node.FirstShard)!.Value;
            float value = spoiled ? MathF.BitIncrement(node.Index) : node.Index;
            effects.AddRange(server.Handle(
                new SubtreeComputed(worker, 1, 0, node, new GradientTotals(1, 1, 0), new GradientPart(node, new[] { value })) { Verifies = second }));
        }

        return effects;
    }
}
