using ActorMlp.Cluster.Hosting;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests;

/// <summary>Runs that the tests share, and ways to run them.</summary>
internal static class TestRuns
{
    private static readonly string Root = FindRoot();

    public static string SharedData { get; } = Path.Combine(Root, "..", "shared", "data");

    /// <summary>Digits with everything on that could depend on order: dropout, Adam, clipping, penalties, a validation split.</summary>
    public static RunOptions Digits { get; } = new()
    {
        Data = new DataOptions
        {
            Train = Path.Combine(Root, "configs", "data", "digits.csv.gz"),
            Header = false,
            Target = "c64",
            TestFraction = 0.2,
            ValidationFraction = 0.1,
        },
        Model = new ModelOptions { Hidden = [48, 20], InputDropout = 0.1, Dropout = [0.3] },
        Training = new TrainingOptions
        {
            Epochs = 3,
            BatchSize = 100,
            ShardsPerStep = 8,
            L2 = 1e-4,
            L1 = 1e-6,
            ClipNorm = 0.5,
            MaxNorm = 3,
            Keep = ModelSelection.Best,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 0.004 },
            Schedule = new ScheduleOptions { Kind = ScheduleKind.Cosine, WarmupEpochs = 0.5 },
        },
        Output = new OutputOptions { CheckpointEverySteps = 5 },
    };

    public static RunOptions FashionMnist => new()
    {
        Data = new DataOptions
        {
            Format = DataFormat.Idx,
            Train = Path.Combine(SharedData, "fashion-mnist", "train-images-idx3-ubyte.gz"),
            TrainLabels = Path.Combine(SharedData, "fashion-mnist", "train-labels-idx1-ubyte.gz"),
            Scaling = ScalingKind.Pixel,
            LimitRows = 2000,
            ValidationFraction = 0.1,
            TestFraction = 0.1,
        },
        Model = new ModelOptions { Hidden = [64], Activation = [Engine.Networks.ActivationKind.Tanh], Dropout = [0.2] },
        Training = new TrainingOptions
        {
            Epochs = 2,
            BatchSize = 128,
            ShardsPerStep = 16,
            ClipNorm = 1,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW },
        },
    };

    public static RunSetup Prepare(RunOptions options) =>
        new(options, DataLoader.Load(options.Data, options.Training.Seed, new DataPaths(Root, null)));

    public static LocalResult RunLocally(RunOptions options, int threads = 1)
    {
        using var pool = new ComputePool(threads);
        return new LocalTrainer(Prepare(options), pool).Train();
    }

    public static RunOptions With(this RunOptions options, int workers, int threads) =>
        options with { Cluster = options.Cluster with { Workers = workers, Threads = threads } };

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "ActorMlp.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}

/// <summary>A run in a folder of its own, which is deleted afterwards.</summary>
internal sealed class TemporaryRun : IDisposable
{
    public TemporaryRun()
    {
        Directory = new RunDirectory(System.IO.Directory.CreateTempSubdirectory("actormlp-").FullName);
        Directory.Create();
    }

    public RunDirectory Directory { get; }

    public List<RunEvent> Events { get; } = [];

    public async Task<TrainingResult> TrainAsync(
        RunOptions options,
        bool resume = false,
        Action<WorkerId, ComputeSubtree>? beforeCompute = null,
        Action<WorkerId, ComputeSubtree, Memory<float>>? afterCompute = null,
        Action<RunEvent>? watch = null,
        CancellationTokenSource? stop = null,
        Func<WorkerId, Task>? pace = null)
    {
        var services = new TrainingRunServices(NullLoggerFactory.Instance, TimeProvider.System, beforeCompute, afterCompute, pace);
        var run = new TrainingRun(TestRuns.Prepare(options), Directory, "test", services);
        Checkpoint? checkpoint = resume ? Directory.LoadNewestCheckpoint([]) : null;
        return await run.TrainAsync(checkpoint, new Watcher(this, watch), stop?.Token ?? CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2), CancellationToken.None);
    }

    public void Dispose() => System.IO.Directory.Delete(Directory.Path, recursive: true);

    private sealed class Watcher(TemporaryRun run, Action<RunEvent>? watch) : IProgress<RunEvent>
    {
        public void Report(RunEvent value)
        {
            run.Events.Add(value);
            watch?.Invoke(value);
        }
    }
}
