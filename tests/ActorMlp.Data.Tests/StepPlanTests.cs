using CsCheck;

namespace ActorMlp.Data.Tests;

public sealed class StepPlanTests
{
    private static readonly Gen<(int Rows, int BatchSize, int Epochs, ulong Seed)> cases =
        Gen.Select(Gen.Int[1, 200], Gen.Int[1, 80], Gen.Int[1, 4], Gen.ULong);

    [Fact]
    public void RowsOf_any_plan_has_each_row_once_in_each_epoch()
    {
        cases.Sample((rows, batchSize, epochs, seed) =>
        {
            var plan = new StepPlan(rows, batchSize, epochs, seed);
            Assert.Equal((long)plan.StepsPerEpoch * epochs, plan.TotalSteps);
            for (int epoch = 0; epoch < epochs; epoch++)
            {
                Assert.Equal(Enumerable.Range(0, rows), Epoch(plan, epoch).Order());
            }
        });
    }

    [Fact]
    public void RowsOf_any_plan_fills_every_step_but_the_last_of_an_epoch()
    {
        cases.Sample((rows, batchSize, epochs, seed) =>
        {
            var plan = new StepPlan(rows, batchSize, epochs, seed);
            for (long step = 0; step < plan.TotalSteps; step++)
            {
                bool last = (step + 1) % plan.StepsPerEpoch == 0;
                Assert.Equal(last ? rows - batchSize * (plan.StepsPerEpoch - 1) : batchSize, plan.RowsOf(step).Length);
            }
        });
    }

    [Fact]
    public void RowsOf_same_arguments_give_the_same_rows_in_any_order_of_asking()
    {
        cases.Sample((rows, batchSize, epochs, seed) =>
        {
            var forward = new StepPlan(rows, batchSize, epochs, seed);
            var backward = new StepPlan(rows, batchSize, epochs, seed);
            int[][] expected = [.. Steps(forward).Select(step => forward.RowsOf(step).ToArray())];
            foreach (long step in Steps(backward).Reverse())
            {
                Assert.Equal(expected[step], backward.RowsOf(step).ToArray());
            }
        });
    }

    [Fact]
    public void RowsOf_does_not_depend_on_the_batch_size()
    {
        Assert.Equal(Epoch(new StepPlan(100, 7, 3, 5), 2), Epoch(new StepPlan(100, 64, 3, 5), 2));
    }

    [Fact]
    public void RowsOf_epochs_differ_in_order()
    {
        var plan = new StepPlan(100, 10, 5, 1);
        int[][] orders = [.. Enumerable.Range(0, 5).Select(epoch => Epoch(plan, epoch))];

        Assert.Equal(5, orders.Select(order => string.Join(' ', order)).Distinct().Count());
    }

    [Fact]
    public void RowsOf_seeds_differ_in_order()
    {
        Gen.Select(Gen.ULong, Gen.ULong).Where((one, other) => one != other).Sample((one, other) =>
            Assert.NotEqual(Epoch(new StepPlan(100, 10, 1, one), 0), Epoch(new StepPlan(100, 10, 1, other), 0)));
    }

    [Fact]
    public void RowsOf_any_row_is_as_likely_in_any_place()
    {
        const int Epochs = 6000, Rows = 6;
        var plan = new StepPlan(Rows, Rows, Epochs, 3);
        var counts = new int[Rows * Rows];
        for (long step = 0; step < Epochs; step++)
        {
            ReadOnlySpan<int> order = plan.RowsOf(step).Span;
            for (int place = 0; place < Rows; place++)
            {
                counts[place * Rows + order[place]]++;
            }
        }

        // Binomial with mean 1000 and deviation 29: five deviations either way.
        Assert.All(counts, count => Assert.InRange(count, 1000 - 145, 1000 + 145));
    }

    [Fact]
    public void RowsOf_asked_by_many_threads_answers_each_as_it_would_one()
    {
        var alone = new StepPlan(500, 32, 8, 9);
        int[][] expected = [.. Steps(alone).Select(step => alone.RowsOf(step).ToArray())];
        var shared = new StepPlan(500, 32, 8, 9);

        // Neighbouring iterations are of different epochs, so that the threads displace each other's.
        Parallel.For(0, 8 * (int)shared.TotalSteps, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            long step = i * 17L % shared.TotalSteps;
            Assert.True(expected[step].AsSpan().SequenceEqual(shared.RowsOf(step).Span));
        });
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(-1, 1)]
    public void StepPlan_without_rows_or_batch_is_refused(int rows, int batchSize)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepPlan(rows, batchSize, 1, 1));
    }

    [Fact]
    public void RowsOf_negative_step_is_refused()
    {
        var plan = new StepPlan(3, 1, 1, 1);

        Assert.Throws<ArgumentOutOfRangeException>(() => plan.RowsOf(-1));
    }

    private static IEnumerable<long> Steps(StepPlan plan) => Enumerable.Range(0, (int)plan.TotalSteps).Select(step => (long)step);

    private static int[] Epoch(StepPlan plan, int epoch) =>
    [
        .. Enumerable.Range(0, plan.StepsPerEpoch).SelectMany(i => plan.RowsOf((long)epoch * plan.StepsPerEpoch + i).ToArray()),
    ];
}
