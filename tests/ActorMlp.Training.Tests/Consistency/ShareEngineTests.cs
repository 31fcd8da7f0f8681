using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Tests.Storage;

namespace ActorMlp.Training.Tests.Consistency;

/// <summary>A run and its replay share this arithmetic, so it is compared with sums that are written out.</summary>
public sealed class ShareEngineTests : IDisposable
{
    private const long Step = 1;
    private const long Updates = 5;

    /// <summary>Six rows a step in four shards of 1, 2, 1 and 2 rows.</summary>
    private static readonly RunOptions Options = TinyRun.Options with
    {
        Training = TinyRun.Options.Training with { ShardsPerStep = 4, Consistency = new ConsistencyOptions { Mode = ConsistencyMode.Local } },
    };

    private readonly TinyRun run = new(Options);
    private readonly ComputePool pool = new(1);

    public void Dispose()
    {
        run.Dispose();
        pool.Dispose();
    }

    [Theory]
    [InlineData(4, new[] { 2 }, 1)]
    [InlineData(4, new[] { 0, 1 }, 3)]
    [InlineData(4, new[] { 0, 2, 3 }, 4)]
    [InlineData(4, new[] { 0, 1, 2, 3 }, 6)]
    [InlineData(2, new[] { 1 }, 3)]
    [InlineData(1, new[] { 0 }, 6)]
    public void Apply_is_one_optimizer_step_with_the_mean_over_the_rows_of_the_shares(int workers, int[] shares, int rows)
    {
        SharePlan plan = SharePlan.Of(run.Setup, workers);
        var update = new UpdateRecord(Updates, Step, 0, [.. shares.Select(share => new UpdatePart(share, share, plan.FirstShard(share), plan.EndShard(share)))]);
        float[] actual = [.. run.Parameters];
        long counted = pool.Run(() =>
        {
            var engine = new ShareEngine(new EngineShareModel(run.Setup, pool), plan, ConsistencyMode.Local);
            long sum = shares.Sum(share => engine.ComputeGradient(share, Step, run.Parameters).Rows);
            engine.Apply(new EngineShareModel(run.Setup, pool).Wrap(NewUpdater()), update, actual);
            return sum;
        });
        Assert.Equal(rows, counted);
        int[] shards = [.. shares.SelectMany(share => Enumerable.Range(plan.FirstShard(share), plan.ShardsOf(share)))];
        Assert.Equal(Expected(shards, rows, run.Parameters, Updates), actual);
        Assert.NotEqual(run.Parameters, actual);
    }

    [Fact]
    public void Copies_are_trained_by_themselves_and_averaged_by_rows()
    {
        SharePlan plan = SharePlan.Of(run.Setup, 2);
        var mean = new float[run.Parameters.Length];
        var update = new UpdateRecord(0, Step, 0, [new UpdatePart(0, 0, 0, 2), new UpdatePart(1, 1, 2, 4)]);
        pool.Run(() =>
        {
            var engine = new ShareEngine(new EngineShareModel(run.Setup, pool), plan, ConsistencyMode.Local);
            run.Parameters.CopyTo(engine.CopyOf(0));
            run.Parameters.CopyTo(engine.CopyOf(1));
            Assert.Equal(3, engine.TrainCopy(0, Step).Totals.Rows);
            Assert.Equal(3, engine.TrainCopy(1, Step).Totals.Rows);
            Assert.Equal(["share.0.firstMoment", "share.0.secondMoment", "share.1.firstMoment", "share.1.secondMoment"], engine.CopySlots.Select(slot => slot.Name));
            Assert.False(engine.CopySlots[0].Values.Span.SequenceEqual(engine.CopySlots[2].Values.Span));
            engine.Average(update, [3, 1], mean);
            return true;
        });

        // A copy's first step is number 1 of the run, so its optimizer counts one before it.
        float[] left = Expected([0, 1], 3, run.Parameters, Step), right = Expected([2, 3], 3, run.Parameters, Step);
        Assert.Equal(left.Zip(right, (a, b) => (float)((a * 3.0 + b * 1.0) / 4)), mean);
    }

    /// <summary>An update by the sum over single shards, in the order of the tree over those that are there.</summary>
    private float[] Expected(int[] shards, int rows, float[] weights, long optimizerStep) => pool.Run(() =>
    {
        var engine = new GradientEngine(run.Setup.Network, pool);
        float[]? GradientOf(int shard)
        {
            if (!shards.Contains(shard))
            {
                return null;
            }

            var gradient = new float[weights.Length];
            engine.ComputeGradient(run.Setup.BatchOf(Step), new TreeNode(0, shard), weights, gradient);
            return gradient;
        }

        float[] sum = Add(Add(GradientOf(0), GradientOf(1)), Add(GradientOf(2), GradientOf(3)))!;
        float[] updated = [.. weights];
        NewUpdater().Apply(optimizerStep, run.Setup.Schedule.At(Step), [new GradientPart(TreeNode.Root(4), sum)], rows, updated);
        return updated;
    });

    private static float[]? Add(float[]? left, float[]? right) =>
        left is null ? right : right is null ? left : [.. left.Zip(right, (a, b) => a + b)];

    private ParameterUpdater NewUpdater() => new(run.Setup.Network, run.Setup.Optimizer, run.Setup.Regularization, pool);
}
