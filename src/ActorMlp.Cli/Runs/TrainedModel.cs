using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Runs;

/// <summary>Uses of a model that is trained.</summary>
internal static class TrainedModel
{
    /// <summary>Opens a model file, or the model in a run's folder.</summary>
    public static ModelFile Open(string path)
    {
        if (Directory.Exists(path))
        {
            string file = new RunDirectory(path).Model;
            return File.Exists(file)
                ? ModelFile.Load(file)
                : throw new StorageException(path, "has no model: its run is not finished; train --resume finishes it");
        }

        return ModelFile.Load(path);
    }

    /// <summary>Figures on some rows: blocks are summed in the same order as in training, so they equal those of the run.</summary>
    public static SplitMetrics Measure(ModelFile model, IExampleSource rows)
    {
        RunShape shape = new()
        {
            Epochs = 1,
            StepsPerEpoch = 1,
            Shards = 1,
            Workers = 1,
            Task = model.Schema.Task,
            Outputs = model.Network.OutputCount,
            TargetScale = model.Preprocessing.TargetScale,
            LearningRate = _ => 0,
        };
        return OnPool(model, engine =>
        {
            EvaluationTotals sum = default;
            for (int first = 0; first < rows.Rows; first += EvaluationBlock.Rows)
            {
                sum += engine.Evaluate(rows, first, Math.Min(EvaluationBlock.Rows, rows.Rows - first), model.Parameters);
            }

            return shape.Measure(sum);
        });
    }

    /// <summary>The network's outputs, <c>[rows, outputs]</c>.</summary>
    public static float[] Predict(ModelFile model, Dataset rows) => OnPool(model, engine =>
    {
        int width = model.Network.OutputCount;
        var outputs = new float[(long)rows.Rows * width];
        for (int first = 0; first < rows.Rows; first += EvaluationBlock.Rows)
        {
            int count = Math.Min(EvaluationBlock.Rows, rows.Rows - first);
            engine.Predict(rows, first, count, model.Parameters, outputs.AsSpan(first * width, count * width));
        }

        return outputs;
    });

    private static T OnPool<T>(ModelFile model, Func<GradientEngine, T> work)
    {
        using var pool = new ComputePool(0);
        var engine = new GradientEngine(model.Network, pool);
        return pool.Run(() => work(engine));
    }
}
