using ActorMlp.Cluster.Hosting;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Tests.Consistency;

/// <summary>A run in a folder of its own that has all a replay reads, as the command writes it.</summary>
internal sealed class ConsistentRun(RunOptions options) : IDisposable
{
    private readonly TemporaryRun run = new();

    public RunDirectory Directory => run.Directory;

    public List<RunEvent> Events => run.Events;

    public IReadOnlyList<UpdateRecord> Updates => UpdateLog.Read(Directory.Updates).Records;

    public async Task<TrainingResult> TrainAsync(
        bool resume = false,
        Action<WorkerId, ComputeSubtree>? beforeCompute = null,
        Action<RunEvent>? watch = null,
        CancellationTokenSource? stop = null,
        Func<WorkerId, Task>? pace = null)
    {
        using MetricsLog metrics = MetricsLog.Open(Directory.Metrics, resume ? Directory.LoadNewestCheckpoint([]).Progress.Step : 0);
        TrainingResult result = await run.TrainAsync(
            options,
            resume,
            beforeCompute,
            null,
            value =>
            {
                if (value is EpochCompleted epoch)
                {
                    metrics.Append(epoch.Metrics);
                }

                watch?.Invoke(value);
            },
            stop,
            pace);
        SummaryFile.Write(Directory.Summary, result.Summary);
        return result;
    }

    public ReplayResult Replay(int threads = 2)
    {
        using var pool = new ComputePool(threads);
        return new RunReplay(TestRuns.Prepare(options), Directory, pool).Run();
    }

    public void AssertReplays(TrainingResult result, int threads = 2)
    {
        ReplayResult replay = Replay(threads);
        Assert.Empty(replay.Differences);
        Assert.Equal(result.Summary.WeightsSha256, replay.WeightsSha256);
    }

    public void Dispose() => run.Dispose();
}
