using ActorMlp.Cluster.Hosting;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Local;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Tests.Consistency;

public sealed class ConsistencyTests
{
    private const int StepsPerEpoch = 13;

    private static readonly Lazy<LocalResult> Synchronous = new(() => TestRuns.RunLocally(TestRuns.Digits));

    public static TheoryData<ConsistencyMode, int, int> Runs { get; } =
        new MatrixTheoryData<ConsistencyMode, int, int>(Enum.GetValues<ConsistencyMode>(), [1, 2, 3, 5], [1, 2]);

    public static TheoryData<ConsistencyMode> Modes { get; } =
        new([ConsistencyMode.Ssp, ConsistencyMode.Async, ConsistencyMode.Backup, ConsistencyMode.Local]);

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Replay_of_any_mode_workers_and_threads_gives_the_runs_bits(ConsistencyMode mode, int workers, int threads)
    {
        using var run = new ConsistentRun(Options(mode, workers, threads));
        TrainingResult result = await run.TrainAsync();
        run.AssertReplays(result, threads: 3 - threads);
        Assert.Equal(3 * StepsPerEpoch, result.Summary.Steps);
        Assert.InRange(result.Summary.Test!.Accuracy!.Value, 0.5, 1);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Replay_holds_where_an_epochs_last_step_has_one_row(ConsistencyMode mode)
    {
        // 1258 rows are three steps of 419 and one of a single row, which lies in one of eight shards.
        RunOptions options = Options(mode, 5, 2);
        using var run = new ConsistentRun(options with { Training = options.Training with { BatchSize = 419 } });
        TrainingResult result = await run.TrainAsync();
        run.AssertReplays(result);
        Assert.Equal(12, result.Summary.Steps);
    }

    [Theory]
    [InlineData(ConsistencyMode.Ssp)]
    [InlineData(ConsistencyMode.Async)]
    [InlineData(ConsistencyMode.Local)]
    public async Task One_worker_gives_the_bits_of_the_synchronous_run(ConsistencyMode mode)
    {
        using var run = new ConsistentRun(Options(mode, 1, 2));
        TrainingResult result = await run.TrainAsync();
        AssertSynchronous(result);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Backup_that_drops_nobody_gives_the_bits_of_the_synchronous_run(int workers)
    {
        RunOptions options = TestRuns.Digits.With(workers, 2);
        using var run = new ConsistentRun(With(options, new ConsistencyOptions { Mode = ConsistencyMode.Backup, Backups = 0 }));
        AssertSynchronous(await run.TrainAsync());
    }

    [Fact]
    public async Task Local_depends_on_the_number_of_workers_but_not_on_threads_or_failures()
    {
        using var first = new ConsistentRun(Options(ConsistencyMode.Local, 3, 1));
        using var second = new ConsistentRun(Options(ConsistencyMode.Local, 3, 4));
        using var other = new ConsistentRun(Options(ConsistencyMode.Local, 2, 1));
        string hash = (await first.TrainAsync()).Summary.LastWeightsSha256;
        Assert.Equal(hash, (await second.TrainAsync(beforeCompute: FailTwiceEach())).Summary.LastWeightsSha256);
        Assert.NotEqual(hash, (await other.TrainAsync()).Summary.LastWeightsSha256);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Local_averaged_after_every_step_of_plain_descent_is_the_synchronous_run_but_for_rounding(int workers)
    {
        // The mean by rows of w - η·gᵢ/rᵢ is w - η·Σgᵢ/Σrᵢ; what differs is the order of roundings, some units in the last place of a step, 39 steps long.
        RunOptions plain = TestRuns.Digits with
        {
            Model = TestRuns.Digits.Model with { InputDropout = 0, Dropout = [0] },
            Training = TestRuns.Digits.Training with
            {
                ClipNorm = null,
                MaxNorm = null,
                L1 = 0,
                Keep = ModelSelection.Last,
                Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = 0.05 },
            },
        };
        using var synchronous = new ConsistentRun(plain.With(workers, 2));
        using var local = new ConsistentRun(With(plain.With(workers, 2), new ConsistencyOptions { Mode = ConsistencyMode.Local, AverageEvery = 1 }));
        float[] expected = (await synchronous.TrainAsync()).Parameters, actual = (await local.TrainAsync()).Parameters;
        Assert.True(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max() < 2e-5, "the weights differ by more than rounding");
    }

    [Fact]
    public async Task Async_worker_that_is_slow_lets_the_others_go_on_and_its_gradient_is_as_old_as_its_weights()
    {
        // Without checkpoints within the epoch nothing but its end holds the first worker.
        (Func<WorkerId, Task> pace, Action<WorkerId, ComputeSubtree> count, _) = SlowSecondWorker(until: StepsPerEpoch);
        using var run = new ConsistentRun(Options(ConsistencyMode.Async, 2, 2) with { Output = new OutputOptions() });
        TrainingResult result = await run.TrainAsync(beforeCompute: count, pace: pace);
        UpdateRecord late = run.Updates.First(update => update.Parts[0].Share == 1);
        Assert.Equal((0L, 0L), (late.Clock, late.Version));
        Assert.InRange(late.Sequence, StepsPerEpoch - 1, StepsPerEpoch);
        run.AssertReplays(result);
    }

    [Fact]
    public async Task Ssp_worker_that_is_slow_holds_the_others_at_the_bound()
    {
        // With a staleness of 2 the first worker computes steps 0, 1 and 2, then waits for the second to do its first.
        (Func<WorkerId, Task> pace, Action<WorkerId, ComputeSubtree> count, Func<int> ahead) = SlowSecondWorker(until: 3);
        using var run = new ConsistentRun(Options(ConsistencyMode.Ssp, 2, 2));
        TrainingResult result = await run.TrainAsync(beforeCompute: count, pace: pace);
        Assert.Equal(3, ahead());
        run.AssertReplays(result);
    }

    [Fact]
    public async Task Backup_worker_that_is_slow_is_not_waited_for_and_its_rows_are_not_counted()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = new ConsistentRun(Options(ConsistencyMode.Backup, 3, 2));
        TrainingResult result = await run.TrainAsync(
            pace: worker => worker.Number == 1 ? gate.Task : Task.CompletedTask,
            watch: value =>
            {
                if (value is StepCommittedEvent { Metrics.Step: 6 })
                {
                    gate.SetResult();
                }
            });
        Assert.All(run.Updates.Take(6), update => Assert.Equal([0, 2], update.Parts.Select(part => part.Share)));
        Assert.True(result.Summary.Ledger.DuplicatesDropped > 0, "nothing was dropped");
        Assert.Equal(run.Updates.Sum(update => update.Parts.Sum(part => part.End - part.First)), result.Summary.Ledger.ShardsCommitted);
        run.AssertReplays(result);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Workers_that_throw_are_restarted_and_the_replay_holds(ConsistencyMode mode)
    {
        using var run = new ConsistentRun(Options(mode, 3, 2));
        TrainingResult result = await run.TrainAsync(beforeCompute: FailTwiceEach());
        Assert.Contains(run.Events.OfType<WorkerChanged>(), changed => changed.Status == WorkerStatus.Restarting);
        run.AssertReplays(result);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Worker_that_is_given_up_is_stood_in_for_and_the_replay_holds(ConsistencyMode mode)
    {
        RunOptions options = Options(mode, 3, 2);
        using var run = new ConsistentRun(options with { Cluster = options.Cluster with { RestartLimit = 1 } });
        TrainingResult result = await run.TrainAsync(beforeCompute: (worker, _) =>
        {
            if (worker.Number == 1)
            {
                throw new InvalidOperationException("planted");
            }
        });
        Assert.Equal(WorkerStatus.Lost, run.Events.OfType<WorkerChanged>().Last(changed => changed.Worker == 1).Status);
        Assert.DoesNotContain(run.Updates.SelectMany(update => update.Parts), part => part.Worker == 1);
        run.AssertReplays(result);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Run_that_is_stopped_and_resumed_again_and_again_goes_on_with_its_log(ConsistencyMode mode)
    {
        using var run = new ConsistentRun(Options(mode, 3, 2));
        TrainingResult? result = null;
        for (int life = 0; result is null || result.Summary.Status == RunStatus.Stopped; life++)
        {
            using var stop = new CancellationTokenSource();
            int steps = 0;
            result = await run.TrainAsync(
                resume: life > 0,
                watch: value =>
                {
                    if (value is StepCommittedEvent && ++steps == 7)
                    {
                        stop.Cancel();
                    }
                },
                stop: stop);
            run.AssertReplays(result);
            Assert.True(life < 10, "the run makes no progress");
            if (result.Summary.Status == RunStatus.Stopped)
            {
                // As if it had been killed later: an update beyond the checkpoint, and one that was being written.
                File.AppendAllText(run.Directory.Updates, $$"""{"sequence":{{run.Updates.Count}},"clock":{{result.Summary.Steps}},"version":0,"parts":[{"share":0,"worker":0,"first":0,"end":3}]}{{'\n'}}{"sequ""");
            }
        }

        Assert.Equal(3 * StepsPerEpoch, result.Summary.Steps);
        if (mode == ConsistencyMode.Local)
        {
            // It leaves nothing open, so a run that was never stopped has the same bits.
            using var whole = new ConsistentRun(Options(mode, 3, 1));
            Assert.Equal((await whole.TrainAsync()).Summary.WeightsSha256, result.Summary.WeightsSha256);
        }

        Assert.Equal(Enumerable.Range(0, run.Updates.Count).Select(number => (long)number), run.Updates.Select(update => update.Sequence));
    }

    private static RunOptions Options(ConsistencyMode mode, int workers, int threads) => With(TestRuns.Digits.With(workers, threads), mode switch
    {
        ConsistencyMode.Backup => new ConsistencyOptions { Mode = mode, Backups = workers > 1 ? 1 : 0 },
        ConsistencyMode.Local => new ConsistencyOptions { Mode = mode, AverageEvery = 4 },
        _ => new ConsistencyOptions { Mode = mode },
    });

    private static RunOptions With(RunOptions options, ConsistencyOptions consistency) =>
        options with { Training = options.Training with { Consistency = consistency } };

    private static void AssertSynchronous(TrainingResult result)
    {
        Assert.Equal(Synchronous.Value.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(Synchronous.Value.LastWeightsSha256, result.Summary.LastWeightsSha256);
        Assert.Equal(Synchronous.Value.Test, result.Summary.Test);
    }

    /// <summary>Each worker's first two lives end at a step of their own.</summary>
    private static Action<WorkerId, ComputeSubtree> FailTwiceEach() => (worker, task) =>
    {
        if (worker.Incarnation < 2 && task.Step >= 3 + 4 * worker.Incarnation + worker.Number)
        {
            throw new InvalidOperationException("planted");
        }
    };

    /// <summary>The second of two workers does not compute before the first has computed some steps; and how many those were.</summary>
    private static (Func<WorkerId, Task> Pace, Action<WorkerId, ComputeSubtree> Count, Func<int> Ahead) SlowSecondWorker(int until)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int first = 0;
        int? ahead = null;
        return (
            worker => worker.Number == 1 ? gate.Task : Task.CompletedTask,
            (worker, _) =>
            {
                // Called on the pool's one leading thread.
                if (worker.Number == 1)
                {
                    ahead ??= first;
                }
                else if (++first == until)
                {
                    gate.SetResult();
                }
            },
            () => ahead ?? -1);
    }
}
