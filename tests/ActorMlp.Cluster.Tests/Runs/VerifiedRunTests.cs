using System.Collections.Concurrent;
using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Runs in which a share of the shards is computed by a second worker too.</summary>
public sealed class VerifiedRunTests
{
    private static readonly Lazy<LocalResult> Oracle = new(() => TestRuns.RunLocally(TestRuns.Digits));

    [Theory]
    [InlineData(1, 1, 0.25)]
    [InlineData(2, 2, 1)]
    [InlineData(3, 2, 0.25)]
    [InlineData(8, 2, 0.5)]
    public async Task Verified_run_has_the_same_hash_and_verifies_all_that_was_chosen(int workers, int threads, double fraction)
    {
        RunOptions options = With(TestRuns.Digits.With(workers, threads), fraction);
        using var run = new TemporaryRun();
        var computed = new ConcurrentBag<(int Worker, ComputeSubtree Task)>();
        TrainingResult result = await run.TrainAsync(options, afterCompute: (worker, task, _) => computed.Add((worker.Number, task)));
        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(workers == 1 ? 0 : Chosen(options), result.Summary.Ledger.ShardsVerified);
        Assert.Equal(0, result.Summary.Ledger.DuplicatesDropped);

        // Two computations for each, by two workers: no buffer is compared with itself.
        Assert.All(computed.GroupBy(one => (one.Task.Step, one.Task.Node)), twice =>
            Assert.Equal(workers == 1 ? 1 : 2, twice.Select(one => one.Worker).Distinct().Count()));
    }

    [Fact]
    public async Task Worker_that_computes_one_wrong_bit_ends_the_run_by_name()
    {
        using var run = new TemporaryRun();
        RunFailedException failure = await Assert.ThrowsAsync<RunFailedException>(() => run.TrainAsync(
            With(TestRuns.Digits.With(3, 2), 0.5),
            afterCompute: (worker, task, gradient) =>
            {
                if (worker.Number == 2 && task.Step >= 5)
                {
                    gradient.Span[^1] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(gradient.Span[^1]) ^ 1);
                }
            }));
        Assert.Matches(@"computed different gradients for shard \d of step \d+: one of them computes wrongly", failure.Message);
        Assert.Contains("worker 2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workers_that_fail_meanwhile_change_nothing()
    {
        using var run = new TemporaryRun();
        TrainingResult result = await run.TrainAsync(
            With(TestRuns.Digits.With(4, 2), 0.5),
            beforeCompute: (worker, task) => _ = worker.Incarnation == 0 && task.Step == 3 + 2 * worker.Number ? throw new InvalidOperationException("planted") : 0);
        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.True(result.Summary.Ledger.ShardsVerified > 50, $"{result.Summary.Ledger.ShardsVerified} verified");
    }

    [Fact]
    public async Task Encoded_gradients_are_compared_by_encoded_subtrees()
    {
        RunOptions options = With(TestRuns.Digits.With(3, 2), 0.5);
        options = options with { Training = options.Training with { Encoding = new EncodingOptions { Kind = GradientEncodingKind.Bfloat16 } } };
        using var run = new TemporaryRun();
        TrainingResult result = await run.TrainAsync(options);
        Assert.Equal(TestRuns.RunLocally(options).WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(Chosen(options), result.Summary.Ledger.ShardsVerified);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Run_on_nodes_verifies_all_that_was_chosen(int nodes)
    {
        RunOptions options = With(TestRuns.Digits, 0.4);
        await using TestCluster cluster = await TestCluster.StartAsync(nodes);
        TrainingResult result = await cluster.TrainAsync(options with { Cluster = options.Cluster with { MinimumWorkers = nodes } });
        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(Chosen(options), result.Summary.Ledger.ShardsVerified);
    }

    private static RunOptions With(RunOptions options, double fraction) =>
        options with { Training = options.Training with { VerifyFraction = fraction } };

    private static int Chosen(RunOptions options)
    {
        RunShape shape = TestRuns.Prepare(options).Shape;
        var plan = new VerificationPlan(shape);
        return Enumerable.Range(0, (int)shape.TotalSteps).Sum(step => plan.NodesOf(step).Sum(node => node.ShardCount));
    }
}
