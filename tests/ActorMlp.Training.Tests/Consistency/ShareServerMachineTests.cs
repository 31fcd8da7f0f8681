using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Consistency;

public sealed class ShareServerMachineTests
{
    /// <summary>5 steps an epoch; the last one has 3 rows for 8 shards, so some shares have none.</summary>
    private const int Rows = 67;
    private const int Batch = 16;

    private static readonly RunShape Shape = new()
    {
        Epochs = 3,
        StepsPerEpoch = 5,
        Shards = 8,
        Workers = 3,
        LearningRate = _ => 0.1,
    };

    private static readonly ConsistencyRule Async = new(ConsistencyMode.Async, long.MaxValue, 0, 1);

    [Fact]
    public void Ssp_any_order_and_losses_never_exceed_the_bound_and_count_every_share_once()
    {
        long reached = 0, failures = 0;
        Gen.Select(Gen.ULong, Gen.Int[1, 9], Gen.Int[0, 4], Gen.Int[0, 3]).Sample((seed, workers, staleness, every) =>
        {
            ShareSimulation simulation = Simulate(workers, new ConsistencyRule(ConsistencyMode.Ssp, staleness, 0, 1), seed, 0.02, every);
            simulation.Run();
            AssertCountedOnce(simulation, workers);
            Interlocked.Add(ref reached, simulation.FurthestAhead == staleness && staleness > 0 ? 1 : 0);
            Interlocked.Add(ref failures, simulation.Failures);
        }, iter: 400);
        Assert.True(reached > 40, $"the bound was reached in {reached} runs only");
        Assert.True(failures > 100, $"only {failures} workers were lost");
    }

    [Fact]
    public void Async_any_order_counts_every_share_once_and_runs_further_ahead_than_any_small_bound()
    {
        long furthest = 0;
        Gen.Select(Gen.ULong, Gen.Int[1, 9]).Sample((seed, workers) =>
        {
            ShareSimulation simulation = Simulate(workers, Async, seed, 0.02);
            simulation.Run();
            AssertCountedOnce(simulation, workers);
            lock (Shape)
            {
                furthest = Math.Max(furthest, simulation.FurthestAhead);
            }
        }, iter: 300);
        Assert.Equal(4, furthest);
    }

    [Fact]
    public void Backup_any_order_counts_all_but_the_slowest_and_one_update_a_step()
    {
        long dropped = 0;
        Gen.Select(Gen.ULong, Gen.Int[2, 9], Gen.Int[0, 2]).Sample((seed, workers, asked) =>
        {
            SharePlan plan = Plan(workers);
            int backups = Math.Min(asked, plan.Shares - 1);
            ShareSimulation simulation = Simulate(workers, new ConsistencyRule(ConsistencyMode.Backup, 0, backups, 1), seed, 0.02);
            simulation.Run();
            Assert.Equal(Enumerable.Range(0, 15).Select(step => (long)step), simulation.Records.Select(record => record.Clock));
            Assert.All(simulation.Records, record =>
            {
                Assert.Equal(Math.Max(1, plan.SharesWithRows(record.Clock).Count() - backups), record.Parts.Count);
                Assert.Equal(record.Sequence, record.Version);
                Assert.Equal(record.Parts.Select(part => part.Share).Distinct().Order(), record.Parts.Select(part => part.Share));
            });
            Assert.All(simulation.Steps, step =>
                Assert.Equal(simulation.Records[(int)step.Step].Parts.Sum(part => plan.RowsOf(step.Step, part.Share)), step.Totals.Rows));
            Interlocked.Add(ref dropped, simulation.Steps.Sum(step => step.DuplicatesDropped));
        }, iter: 300);
        Assert.True(dropped > 100, $"only {dropped} late results were dropped");
    }

    [Fact]
    public void Local_any_order_averages_at_the_same_steps_with_the_same_weights()
    {
        Gen.Select(Gen.ULong, Gen.Int[1, 9], Gen.Int[1, 7], Gen.Int[0, 3]).Sample((seed, workers, every, checkpoints) =>
        {
            SharePlan plan = Plan(workers);
            ShareSimulation simulation = Simulate(workers, new ConsistencyRule(ConsistencyMode.Local, 0, 0, every), seed, 0.02, checkpoints);
            simulation.Run();
            List<long> expected = [.. Enumerable.Range(1, 15).Where(done => done % 5 == 0 || done % 5 % every == 0).Select(done => done - 1L)];
            Assert.Equal(expected, simulation.Records.Select(record => record.Clock));
            Assert.Subset(expected.Select(clock => clock + 1).ToHashSet(), simulation.Holds.ToHashSet());
            long began = 0;
            for (int i = 0; i < expected.Count; i++)
            {
                long[] rows = [.. Enumerable.Range(0, plan.Shares).Select(share => Enumerable.Range((int)began, (int)(expected[i] + 1 - began)).Sum(step => (long)plan.RowsOf(step, share)))];
                Assert.Equal(rows.Where(count => count > 0), simulation.Weights[i]);
                Assert.Equal(Enumerable.Range(0, plan.Shares).Where(share => rows[share] > 0), simulation.Records[i].Parts.Select(part => part.Share));
                began = expected[i] + 1;
            }

            Assert.All(simulation.Steps, step => Assert.Equal(Enumerable.Range(0, plan.Shares).Sum(share => plan.RowsOf(step.Step, share)), step.Totals.Rows));
        }, iter: 300);
    }

    [Theory]
    [InlineData(ConsistencyMode.Ssp)]
    [InlineData(ConsistencyMode.Async)]
    [InlineData(ConsistencyMode.Backup)]
    [InlineData(ConsistencyMode.Local)]
    public void Hold_on_request_brings_all_shares_to_one_step_soon_and_the_run_goes_on(ConsistencyMode mode)
    {
        Gen.Select(Gen.ULong, Gen.Int[2, 5], Gen.Int[1, 14]).Sample((seed, workers, commits) =>
        {
            var simulation = new ShareSimulation(
                Shape with { Workers = workers, StepsPerEpoch = 20, Epochs = 1 },
                new SharePlan(320, 16, 8, workers),
                new ConsistencyRule(mode, mode == ConsistencyMode.Ssp ? 2 : long.MaxValue, 1, 3),
                seed)
            {
                HoldAfterCommits = commits,
            };
            simulation.Run();
            long hold = simulation.Holds[0];
            Assert.InRange(hold, commits, mode == ConsistencyMode.Async ? 20 : commits + 6);
            Assert.True(mode != ConsistencyMode.Local || hold % 3 == 0 || hold == 20, $"copies are not averaged at {hold}");
            Assert.Equal(20, simulation.Holds[^1]);
        }, iter: 200);
    }

    [Fact]
    public void Share_of_a_lost_worker_is_computed_by_another_until_it_is_back_and_its_late_result_is_void()
    {
        ShareServerMachine machine = Open(Async, workers: 2);
        var (first, second) = (new WorkerId(0, 0), new WorkerId(1, 0));
        GrantShare lost = Grants(View(machine, 2, second)).Single();
        Assert.Equal((second, 0, 0L), (lost.Worker, lost.Work.Share, lost.Work.Clock));

        // The ticket that the lost worker had for its share.
        var late = new ShareComputed(first, lost.Work with { Ticket = 1 }, [new GradientTotals(8, 1, 0)]);
        Assert.Empty(machine.Handle(late));
        Assert.Empty(View(machine, 3, new WorkerId(0, 1), second));
        IReadOnlyList<ParameterServerEffect> effects = machine.Handle(new ShareComputed(second, lost.Work, [new GradientTotals(8, 1, 0)]));
        Assert.Equal(second.Number, Assert.Single(effects.OfType<ApplyShares>()).Update.Parts.Single().Worker);
        Assert.Equal(new WorkerId(0, 1), Grants(effects).Single().Worker);
    }

    [Fact]
    public void Update_that_is_not_finite_ends_the_run_and_names_step_and_layer()
    {
        ShareServerMachine machine = Open(Async, workers: 2);
        machine.Handle(new ShareComputed(new WorkerId(0, 0), new ShareWork(0, 1, 0, 0, 1, 1), [new GradientTotals(8, 4, 0)]));
        var told = Assert.IsType<TellCoordinator>(Assert.Single(machine.Handle(new ShareUpdateApplied(0, new UpdateReport(null, 0)))));
        Assert.Equal(new StepDiverged(0, 0, 0.5), told.Message);
        Assert.Empty(machine.Handle(new ShareComputed(new WorkerId(1, 0), new ShareWork(1, 2, 0, 0, 1, 1), [new GradientTotals(8, 4, 0)])));
    }

    [Fact]
    public void Loss_that_is_not_finite_ends_the_run()
    {
        ShareServerMachine machine = Open(Async, workers: 2);
        var told = Assert.IsType<TellCoordinator>(Assert.Single(
            machine.Handle(new ShareComputed(new WorkerId(0, 0), new ShareWork(0, 1, 0, 0, 1, 1), [new GradientTotals(8, double.NaN, 0)]))));
        Assert.IsType<StepDiverged>(told.Message);
    }

    private static ShareServerMachine Open(ConsistencyRule rule, int workers)
    {
        ShareServerMachine machine = ConsistencyMachines.Create(Shape with { Workers = workers }, Plan(workers), rule, 0);
        Assert.IsType<RangeReady>(Assert.IsType<TellCoordinator>(Assert.Single(View(machine, 1, [.. Enumerable.Range(0, workers).Select(number => new WorkerId(number, 0))]))).Message);
        Assert.Equal(workers, Grants(machine.Handle(new ContinueTraining(0, 1))).Count());
        return machine;
    }

    private static IReadOnlyList<ParameterServerEffect> View(ShareServerMachine machine, int number, params WorkerId[] workers) => machine.Handle(
        new ViewPublished(new View(number, [.. workers.Select(worker => new ShardRange(worker, 0, 0))]) { Arrangement = new Arrangement(1, 0, []) }));

    private static IEnumerable<GrantShare> Grants(IReadOnlyList<ParameterServerEffect> effects) => effects.OfType<GrantShare>();

    private static SharePlan Plan(int workers) => new(Rows, Batch, 8, workers);

    private static ShareSimulation Simulate(int workers, ConsistencyRule rule, ulong seed, double failureRate, int checkpointEvery = 0) =>
        new(Shape with { Workers = workers, CheckpointEverySteps = checkpointEvery }, Plan(workers), rule, seed, failureRate);

    private static void AssertCountedOnce(ShareSimulation simulation, int workers)
    {
        SharePlan plan = Plan(workers);
        var expected = Enumerable.Range(0, 15).SelectMany(step => plan.SharesWithRows(step).Select(share => ((long)step, share)));
        Assert.Equal(expected, simulation.Records.Select(record => (record.Clock, record.Parts.Single().Share)).Order());
        Assert.All(simulation.Steps, step => Assert.Equal(
            Enumerable.Range(0, plan.Shares).Sum(share => plan.RowsOf(step.Step, share)), step.Totals.Rows));
    }
}
