using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Tests.Storage;

/// <summary>A run on twelve made-up rows of three inputs in three classes, with its weights and optimizer.</summary>
public sealed class TinyRun : IDisposable
{
    private readonly ComputePool pool = new(1);

    /// <summary>A run.</summary>
    public TinyRun(RunOptions? options = null, string dataSha256 = "00ff")
    {
        float[] inputs = [.. Enumerable.Range(0, 36).Select(i => (i * 7 % 11 - 5) / 3f)];
        var rows = new Dataset(3, inputs, [.. Enumerable.Range(0, 12).Select(row => row % 3)], []);
        var schema = new DataSchema
        {
            Format = DataFormat.Csv,
            Header = true,
            InputColumns = ["x", "y, of \"quotes\"", "größe"],
            Target = "kind",
            Task = DataTask.Classification,
            Classes = ["a", "b", "c"],
        };
        var preprocessing = new Preprocessing(ScalingKind.Standardize, [0.1f, -2f, 1e-30f], [1f / 3, 0, 7], 1.0 / 3, Math.PI);
        Setup = new RunSetup(options ?? Options, new LoadedData(rows, null, rows, schema, preprocessing, dataSha256));
        Parameters = new float[Setup.Network.Layout.Length];
        Setup.Network.Initialize(Setup.Options.Training.Seed, Parameters);
        Updater = new ParameterUpdater(Setup.Network, Setup.Optimizer, Setup.Regularization, pool);
    }

    /// <summary>The options where no others are given.</summary>
    public static RunOptions Options { get; } = new()
    {
        Name = "tiny",
        Data = new DataOptions { Train = "tiny.csv", Target = "kind" },
        Model = new ModelOptions { Hidden = [5, 18] },
        Training = new TrainingOptions { Epochs = 4, BatchSize = 6, ShardsPerStep = 2, Seed = 42 },
    };

    /// <summary>The run.</summary>
    public RunSetup Setup { get; }

    /// <summary>Its weights.</summary>
    public float[] Parameters { get; }

    /// <summary>Its optimizer.</summary>
    public ParameterUpdater Updater { get; }

    /// <summary>How the run ended, made up.</summary>
    public static RunSummary Summary { get; } = new()
    {
        RunId = "tiny-20260101-120000",
        Status = RunStatus.Completed,
        WeightsSha256 = new string('a', 64),
        LastWeightsSha256 = new string('b', 64),
        Steps = 8,
        Epochs = 4,
        ModelEpoch = 3,
        Parameters = 188,
        Workers = 4,
        Threads = 2,
        Kernel = "scalar",
        SamplesPerSecond = 1234.5,
        WallSeconds = 0.1,
        Train = new SplitMetrics { Loss = 0.25, Accuracy = 0.5 },
        Validation = new SplitMetrics { Loss = 1.0 / 3, Accuracy = 0.75 },
        Test = new SplitMetrics { Loss = 0.125, Accuracy = 0.875 },
        Ledger = new LedgerSummary { ShardsCommitted = 16, ShardsReissued = 3, DuplicatesDropped = 2 },
    };

    /// <summary>Trains some steps.</summary>
    public void Train(long first, long count) => pool.Run(() =>
    {
        var engine = new GradientEngine(Setup.Network, pool);
        var gradient = new float[Parameters.Length];
        var root = TreeNode.Root(Setup.Shape.Shards);
        for (long step = first; step < first + count; step++)
        {
            GradientTotals totals = engine.ComputeGradient(Setup.BatchOf(step), root, Parameters, gradient);
            Updater.Apply(step, Setup.Schedule.At(step), [new GradientPart(root, gradient)], totals.Rows, Parameters);
        }

        return count;
    });

    /// <inheritdoc/>
    public void Dispose() => pool.Dispose();
}
