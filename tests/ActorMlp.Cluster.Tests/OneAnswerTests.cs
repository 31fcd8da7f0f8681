using ActorMlp.Cluster.Hosting;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;

namespace ActorMlp.Cluster.Tests;

public sealed class OneAnswerTests
{
    private static readonly Lazy<LocalResult> Oracle = new(() => TestRuns.RunLocally(TestRuns.Digits));

    public static TheoryData<int, int> Sizes { get; } = new MatrixTheoryData<int, int>([1, 2, 3, 5, 8], [1, 2, 4]);

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Digits_any_workers_and_threads_give_the_plain_loops_weights(int workers, int threads)
    {
        using var run = new TemporaryRun();
        TrainingResult result = await run.TrainAsync(TestRuns.Digits.With(workers, threads));
        AssertSameAnswer(Oracle.Value, result);
        Assert.Equal(TestRuns.Digits.Training.Epochs * 13L * 8, result.Summary.Ledger.ShardsCommitted);
        Assert.Equal(0, result.Summary.Ledger.DuplicatesDropped);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 4)]
    [InlineData(8, 1)]
    public async Task FashionMnist_any_workers_and_threads_give_the_plain_loops_weights(int workers, int threads)
    {
        Assert.SkipUnless(Directory.Exists(TestRuns.SharedData), "needs ../shared/data, which is not here");
        RunOptions options = TestRuns.FashionMnist;
        using var run = new TemporaryRun();
        AssertSameAnswer(TestRuns.RunLocally(options), await run.TrainAsync(options.With(workers, threads)));
    }

    [Fact]
    public void LocalTrainer_threads_cannot_change_a_bit()
    {
        Assert.Equal(Oracle.Value, TestRuns.RunLocally(TestRuns.Digits, 2));
        Assert.Equal(Oracle.Value, TestRuns.RunLocally(TestRuns.Digits, 4));
    }

    [Fact]
    public void LocalTrainer_shards_and_seed_are_part_of_the_run()
    {
        TrainingOptions training = TestRuns.Digits.Training;
        LocalResult otherShards = TestRuns.RunLocally(TestRuns.Digits with { Training = training with { ShardsPerStep = 4 } });
        LocalResult otherSeed = TestRuns.RunLocally(TestRuns.Digits with { Training = training with { Seed = 2 } });
        Assert.NotEqual(Oracle.Value.LastWeightsSha256, otherShards.LastWeightsSha256);
        Assert.NotEqual(Oracle.Value.LastWeightsSha256, otherSeed.LastWeightsSha256);
    }

    private static void AssertSameAnswer(LocalResult expected, TrainingResult result)
    {
        Assert.Equal(expected.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(expected.LastWeightsSha256, result.Summary.LastWeightsSha256);
        Assert.Equal(expected.Validation, result.Summary.Validation);
        Assert.Equal(expected.Test, result.Summary.Test);
    }
}
