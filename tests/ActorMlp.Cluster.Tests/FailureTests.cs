using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Tests;

public sealed class FailureTests
{
    private static readonly Lazy<LocalResult> Oracle = new(() => TestRuns.RunLocally(TestRuns.Digits));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public async Task Worker_that_throws_is_restarted_and_the_hash_stays(int workers)
    {
        using var run = new TemporaryRun();
        int failures = 0;
        void FailSometimes(WorkerId worker, ComputeSubtree task)
        {
            // Each worker's first two lives end at a step of their own.
            if (worker.Incarnation < 2 && task.Step == 3 + 4 * worker.Incarnation + worker.Number)
            {
                Interlocked.Increment(ref failures);
                throw new InvalidOperationException("planted");
            }
        }

        TrainingResult result = await run.TrainAsync(TestRuns.Digits.With(workers, 2), beforeCompute: FailSometimes);
        Assert.Equal(2 * workers, failures);
        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(Oracle.Value.LastWeightsSha256, result.Summary.LastWeightsSha256);
        Assert.Equal(TestRuns.Digits.Training.Epochs * 13L * 8, result.Summary.Ledger.ShardsCommitted);
        Assert.True(workers == 1 || result.Summary.Ledger.ShardsReissued > 0, "no shard was dealt again");
        Assert.Contains(run.Events.OfType<WorkerChanged>(), changed => changed.Status == WorkerStatus.Restarting);
        Assert.All(run.Events.OfType<WorkerChanged>().GroupBy(changed => changed.Worker), worker => Assert.Equal(2, worker.Last().Failures));
    }

    [Fact]
    public async Task Worker_beyond_its_restart_limit_is_given_up_and_the_others_finish_with_the_same_hash()
    {
        using var run = new TemporaryRun();
        RunOptions options = TestRuns.Digits with { Cluster = new ClusterOptions { Workers = 3, Threads = 2, RestartLimit = 2 } };
        TrainingResult result = await run.TrainAsync(
            options,
            beforeCompute: (worker, _) =>
            {
                if (worker.Number == 1)
                {
                    throw new InvalidOperationException("planted");
                }
            });
        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(WorkerStatus.Lost, run.Events.OfType<WorkerChanged>().Last(changed => changed.Worker == 1).Status);
    }

    [Fact]
    public async Task All_workers_lost_fails_the_run_and_says_why()
    {
        using var run = new TemporaryRun();
        RunOptions options = TestRuns.Digits with { Cluster = new ClusterOptions { Workers = 2, RestartLimit = 1 } };
        RunFailedException failure = await Assert.ThrowsAsync<RunFailedException>(() => run.TrainAsync(
            options, beforeCompute: (_, _) => throw new InvalidOperationException("planted")));
        Assert.Contains("every worker was lost", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diverging_run_fails_naming_step_and_layer_and_keeps_the_last_checkpoint()
    {
        using var run = new TemporaryRun();
        RunOptions options = TestRuns.Digits with
        {
            Model = new ModelOptions { Activation = [ActivationKind.Identity], Loss = LossKind.MeanSquaredError },
            Training = TestRuns.Digits.Training with
            {
                ClipNorm = null,
                MaxNorm = null,
                Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = 1000 },
                Schedule = new ScheduleOptions { WarmupEpochs = 3 },
            },
            Output = new OutputOptions { CheckpointEverySteps = 1 },
        };
        RunFailedException failure = await Assert.ThrowsAsync<RunFailedException>(() => run.TrainAsync(options));
        Assert.Matches(@"diverged at step \d+ \(epoch \d+\): layer \d", failure.Message);
        Assert.True(File.Exists(run.Directory.LastCheckpoint));
    }

    [Fact]
    public async Task Stopped_and_resumed_again_and_again_ends_with_the_same_hash_and_metrics()
    {
        using var run = new TemporaryRun();
        RunOptions options = TestRuns.Digits.With(3, 2);
        TrainingResult? result = null;
        for (int life = 0; result is null || result.Summary.Status == RunStatus.Stopped; life++)
        {
            using var stop = new CancellationTokenSource();
            int steps = 0;
            result = await run.TrainAsync(
                options,
                resume: life > 0,
                watch: value =>
                {
                    if (value is StepCommittedEvent && ++steps == 7)
                    {
                        stop.Cancel();
                    }
                },
                stop: stop);
            Assert.True(life < 10, "the run makes no progress");
        }

        Assert.Equal(Oracle.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(Oracle.Value.Test, result.Summary.Test);
        Assert.Equal(TestRuns.Digits.Training.Epochs * 13L * 8, result.Summary.Ledger.ShardsCommitted);
        Assert.Equal(3, run.Events.OfType<EpochCompleted>().Select(value => value.Metrics.Epoch).Distinct().Count());
    }
}
