using System.Globalization;
using System.Text.Json;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Replay;

/// <summary>
/// A run computed again from configuration, data and, where its order of updates was left open, its log; and compared with what is in its folder: the weights at its end, its
/// checkpoints, the figures of its epochs.
/// </summary>
public sealed class RunReplay
{
    private readonly RunSetup setup;
    private readonly ComputePool pool;
    private readonly RunSummary summary;
    private readonly IReadOnlyList<UpdateRecord>? records;
    private readonly IStepReplay replay;
    private readonly ILookup<long, EpochMetrics> epochs;
    private readonly ILookup<long, (string File, string Sha256)> checkpoints;
    private readonly List<string> differences = [];
    private (SplitMetrics Validation, float[] Parameters)? best;

    /// <summary>Reads a run's folder.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="directory">Its folder.</param>
    /// <param name="pool">The threads that compute.</param>
    /// <exception cref="StorageException">A file that the replay needs is missing or damaged, or is of another run.</exception>
    public RunReplay(RunSetup setup, RunDirectory directory, ComputePool pool)
    {
        this.setup = setup;
        this.pool = pool;
        if (!File.Exists(directory.Summary))
        {
            throw new StorageException(directory.Path, "has no summary.json, so its run has not ended: train --resume finishes it");
        }

        summary = SummaryFile.Read(directory.Summary);
        epochs = ReadEpochs(directory.Metrics).ToLookup(epoch => epoch.Step);
        checkpoints = new[] { directory.LastCheckpoint, directory.BestCheckpoint }.Where(File.Exists).Select(HashOf).ToLookup(
            entry => entry.Step, entry => (entry.File, entry.Sha256));
        ConsistencyRule rule = ConsistencyRule.Of(setup.Options.Training.Consistency);
        if (rule.Mode == ConsistencyMode.Bsp)
        {
            replay = pool.Run(() => new SynchronousReplay(setup, pool));
            return;
        }

        (UpdateLogHeader header, IReadOnlyList<UpdateRecord> log) = UpdateLog.Read(directory.Updates);
        records = log;
        if (header != UpdateLogHeader.Of(setup, header.Workers))
        {
            throw new StorageException(directory.Updates, "is of a run with other data, model or training options than config.yaml");
        }

        if (header.Workers < 1)
        {
            throw new StorageException(directory.Updates, $"line 1: states {header.Workers} workers");
        }

        var plan = SharePlan.Of(setup, header.Workers);
        var initial = new float[setup.Network.Layout.Length];
        setup.Network.Initialize(setup.Options.Training.Seed, initial);
        replay = pool.Run<IStepReplay>(() => ShareReplay.Of(new EngineShareModel(setup, pool), plan, rule, log, initial));
    }

    /// <summary>Computes the run again.</summary>
    public ReplayResult Run() => pool.Run(() =>
    {
        string? weights = null;
        try
        {
            weights = Train();
        }
        catch (ReplayDiffersException exception)
        {
            differences.Add(exception.Message);
        }

        return new ReplayResult
        {
            Mode = setup.Options.Training.Consistency.Mode,
            Steps = summary.Steps,
            Updates = records?.Count,
            WeightsSha256 = weights,
            ExpectedSha256 = summary.WeightsSha256,
            Differences = differences,
        };
    });

    private string Train()
    {
        RunShape shape = setup.Shape;
        GradientTotals totals = default;
        foreach (long step in Stops())
        {
            replay.TrainUpTo(step, ref totals);
            if (shape.EndsEpoch(step))
            {
                FinishEpoch(step, totals);
                totals = default;
            }

            string sha = Sha256(replay.Parameters);
            foreach ((string file, string expected) in checkpoints[step].Where(checkpoint => checkpoint.Sha256 != sha))
            {
                Differ($"the weights after step {step} have SHA-256 {sha}, those of {file} {expected}");
            }
        }

        if (records is not null && records.Count > 0 && records[^1].Clock >= summary.Steps)
        {
            Differ($"updates.jsonl goes on beyond the {summary.Steps} steps that summary.json states");
        }

        string last = Sha256(replay.Parameters);
        if (last != summary.LastWeightsSha256)
        {
            Differ($"the weights after the last step have SHA-256 {last}, the run's {summary.LastWeightsSha256}");
        }

        bool keepsBest = summary.Status == RunStatus.Completed && shape.Keep == ModelSelection.Best && best is not null;
        string kept = keepsBest ? Sha256(best!.Value.Parameters) : last;
        if (kept != summary.WeightsSha256)
        {
            Differ($"the weights have SHA-256 {kept}, the run's {summary.WeightsSha256}");
        }

        return kept;
    }

    /// <summary>Where the replay looks at its weights, ascending: ends of epochs, checkpoints, the end.</summary>
    private IEnumerable<long> Stops()
    {
        IEnumerable<long> ends = Enumerable.Range(1, (int)(summary.Steps / setup.Shape.StepsPerEpoch)).Select(epoch => (long)epoch * setup.Shape.StepsPerEpoch);
        return ends.Concat(checkpoints.Select(checkpoint => checkpoint.Key)).Append(summary.Steps)
            .Where(step => step > 0 && step <= summary.Steps).Distinct().Order();
    }

    private void FinishEpoch(long step, GradientTotals totals)
    {
        RunShape shape = setup.Shape;
        SplitMetrics train = shape.Measure(totals);
        SplitMetrics? validation = shape.ValidationRows > 0 ? shape.Measure(Evaluate(EvaluatedSplit.Validation)) : null;
        if (validation is not null && (best is null || shape.Beats(validation, best.Value.Validation)))
        {
            best = (validation, replay.Parameters.ToArray());
        }

        if (!epochs.Contains(step))
        {
            Differ($"metrics.jsonl lacks epoch {step / shape.StepsPerEpoch}");
        }

        foreach (EpochMetrics epoch in epochs[step])
        {
            if (epoch.Train != train)
            {
                Differ(Figures(epoch.Epoch, "training", epoch.Train, train));
            }

            if (epoch.Validation != validation)
            {
                Differ(Figures(epoch.Epoch, "validation", epoch.Validation, validation));
            }
        }
    }

    private EvaluationTotals Evaluate(EvaluatedSplit split)
    {
        EvaluationTotals sum = default;
        for (int block = 0; block < EvaluationBlock.CountFor(setup.Shape.RowsOf(split)); block++)
        {
            sum += replay.EvaluateBlock(split, block);
        }

        return sum;
    }

    private void Differ(string what) => differences.Add(what);

    private string Sha256(ReadOnlySpan<float> parameters) => setup.Network.Layout.Sha256(parameters);

    private static string Figures(int epoch, string rows, SplitMetrics? run, SplitMetrics? again) => string.Create(
        CultureInfo.InvariantCulture, $"epoch {epoch}: mean loss on {rows} rows is {again?.Loss:R}, metrics.jsonl has {run?.Loss:R}");

    private static IReadOnlyList<EpochMetrics> ReadEpochs(string path)
    {
        try
        {
            return MetricsLog.ReadEpochs(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new StorageException(path, $"cannot be read: {exception.Message}", exception);
        }
    }

    private (long Step, string File, string Sha256) HashOf(string path)
    {
        Checkpoint checkpoint = Checkpoint.Load(path);
        checkpoint.CheckBelongsTo(setup);
        var parameters = new float[setup.Network.Layout.Length];
        checkpoint.RestoreWeights(setup, parameters);
        return (checkpoint.Progress.Step, Path.GetFileName(path), Sha256(parameters));
    }
}
