using System.Collections.Concurrent;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Runs whose gradients are encoded: who computes cannot change a bit of what an encoding loses.</summary>
public sealed class EncodedRunTests
{
    private static readonly ConcurrentDictionary<(GradientEncodingKind Kind, int Epochs), LocalResult> Oracles = new();

    public static TheoryData<GradientEncodingKind> Kinds { get; } =
        [GradientEncodingKind.Bfloat16, GradientEncodingKind.Float16, GradientEncodingKind.Int8, GradientEncodingKind.TopK];

    [Fact]
    public void Each_encoding_has_an_answer_of_its_own()
    {
        string[] hashes = [.. Enum.GetValues<GradientEncodingKind>().Select(kind => Oracle(kind, 3).WeightsSha256)];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
        Assert.NotEqual(
            Oracle(GradientEncodingKind.Int8, 3).WeightsSha256,
            TestRuns.RunLocally(With(Options(GradientEncodingKind.Int8, 3), encoding => encoding with { ErrorFeedback = false })).WeightsSha256);
        Assert.NotEqual(
            Oracle(GradientEncodingKind.Int8, 3).WeightsSha256,
            TestRuns.RunLocally(With(Options(GradientEncodingKind.Int8, 3), encoding => encoding with { Subtrees = 8 })).WeightsSha256);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Any_workers_and_threads_of_a_process_give_the_plain_loops_weights(GradientEncodingKind kind)
    {
        foreach ((int workers, int threads) in ((int, int)[])[(1, 1), (2, 2), (3, 2), (8, 1)])
        {
            using var run = new TemporaryRun();
            TrainingResult result = await run.TrainAsync(
                Options(kind, 3).With(workers, threads),
                beforeCompute: (worker, task) => _ = worker.Incarnation == 0 && task.Step == 7 && worker.Number == 1
                    ? throw new InvalidOperationException("planted") : 0);
            Assert.Equal(Oracle(kind, 3).WeightsSha256, result.Summary.WeightsSha256);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Stopped_and_resumed_again_and_again_ends_with_the_same_hash(GradientEncodingKind kind)
    {
        using var run = new TemporaryRun();
        TrainingResult? result = null;
        for (int life = 0; result is null || result.Summary.Status == RunStatus.Stopped; life++)
        {
            using var stop = new CancellationTokenSource();
            int steps = 0;
            result = await run.TrainAsync(
                Options(kind, 3).With(2, 2), resume: life > 0, watch: value => (value is StepCommittedEvent && ++steps == 11 ? stop : null)?.Cancel(), stop: stop);
            Assert.True(life < 10, "the run makes no progress");
        }

        Assert.Equal(Oracle(kind, 3).WeightsSha256, result.Summary.WeightsSha256);
    }

    [Fact]
    public async Task Nodes_give_the_plain_loops_weights_and_send_fewer_bytes()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            NodeSecurity.LoopbackOnly, NodeRoles.All.ToArray(), NodeRoles.All.ToArray(), [NodeRoles.Worker], [NodeRoles.Worker]);
        TrainingResult plain = await cluster.TrainAsync(Options(GradientEncodingKind.Float32, 3));
        Assert.Equal(Oracle(GradientEncodingKind.Float32, 3).WeightsSha256, plain.Summary.WeightsSha256);
        foreach (GradientEncodingKind kind in Kinds.Select(row => row.Data))
        {
            var notices = new List<RunNotice>();
            TrainingResult result = await cluster.TrainAsync(Options(kind, 3), runEvent => notices.AddRange(runEvent is RunNotice notice ? [notice] : []));
            Assert.Empty(notices);
            Assert.Equal(Oracle(kind, 3).WeightsSha256, result.Summary.WeightsSha256);
            Assert.Equal(4, result.Summary.Workers);

            // Heads of frames are 192 bytes each, so the small network of the test saves less than the encoding's ratio.
            double saved = (double)result.Summary.Nodes!.Sum(node => node.GradientBytes) / plain.Summary.Nodes!.Sum(node => node.GradientBytes);
            Assert.InRange(saved, 0.01, kind switch { GradientEncodingKind.Int8 => 0.3, GradientEncodingKind.TopK => 0.05, _ => 0.52 });
        }

        var advice = new List<RunNotice>();
        await cluster.TrainAsync(
            With(Options(GradientEncodingKind.Bfloat16, 1), encoding => encoding with { Subtrees = 8 }),
            runEvent => advice.AddRange(runEvent is RunNotice notice ? [notice] : []));
        Assert.Contains("training.encoding saves nothing", Assert.Single(advice).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GradientEncodingKind.Bfloat16)]
    [InlineData(GradientEncodingKind.Int8)]
    public async Task Joins_leaves_and_losses_change_no_bit(GradientEncodingKind kind)
    {
        RunOptions options = Options(kind, 100);
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        Task? change = null;
        int changes = 0, epochs = 0;
        TrainingResult result = await cluster.TrainAsync(options, runEvent =>
        {
            if (runEvent is EpochCompleted && ++epochs > 2 && change is null or { IsCompleted: true } && changes < 3)
            {
                change = changes++ switch
                {
                    0 => cluster.AddAsync(NodeRoles.All.ToArray()),
                    1 => cluster.Nodes[1].LeaveAsync(),
                    _ => cluster.Nodes[2].DisposeAsync().AsTask(),
                };
            }
        });
        Assert.Equal(3, changes);
        Assert.Equal(Oracle(kind, 100).WeightsSha256, result.Summary.WeightsSha256);
    }

    private static LocalResult Oracle(GradientEncodingKind kind, int epochs) =>
        Oracles.GetOrAdd((kind, epochs), key => TestRuns.RunLocally(Options(key.Kind, key.Epochs), threads: 2));

    /// <summary>Without a bound on units' norms, which would leave too few places where ranges may be cut.</summary>
    private static RunOptions Options(GradientEncodingKind kind, int epochs) => TestRuns.Digits with
    {
        Model = TestRuns.Digits.Model with { Hidden = [96, 48] },
        Training = TestRuns.Digits.Training with
        {
            Epochs = epochs,
            MaxNorm = null,
            Encoding = new EncodingOptions { Kind = kind, Subtrees = 4, BlockSize = 32, Ratio = 0.01 },
        },
        Output = new OutputOptions { CheckpointEverySteps = 5 },
    };

    private static RunOptions With(RunOptions options, Func<EncodingOptions, EncodingOptions> change) =>
        options with { Training = options.Training with { Encoding = change(options.Training.Encoding) } };
}
