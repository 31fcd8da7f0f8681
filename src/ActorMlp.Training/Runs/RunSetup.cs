using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Runs;

/// <summary>A run made ready: options and data turned into network, plan and rules. Immutable, shared by all actors of a process.</summary>
public sealed class RunSetup
{
    /// <summary>Builds network and plan for <paramref name="options"/> over <paramref name="data"/>.</summary>
    public RunSetup(RunOptions options, LoadedData data)
    {
        Options = options;
        Data = data;
        TrainingOptions training = options.Training;
        Network = new Network(NetworkSpecFactory.Create(
            options.Model, data.Training.Inputs, data.Schema.Classes.Count, data.Schema.Task));
        Plan = new StepPlan(data.Training.Rows, training.BatchSize, training.Epochs, training.Seed);
        Optimizer = TrainingSpecFactory.Optimizer(training);
        Regularization = TrainingSpecFactory.Regularization(training);
        Schedule = TrainingSpecFactory.Schedule(training, Plan.StepsPerEpoch);
        Shape = new RunShape
        {
            Epochs = training.Epochs,
            StepsPerEpoch = Plan.StepsPerEpoch,
            Shards = training.ShardsPerStep,
            Workers = options.Cluster.Workers,
            CheckpointEverySteps = options.Output.CheckpointEverySteps,
            ValidationRows = data.Validation?.Rows ?? 0,
            TestRows = data.Test?.Rows ?? 0,
            Keep = training.Keep,
            Monitor = training.Monitor,
            Task = options.Data.Task,
            Layers = Network.Layout.Layers.Count,
            Outputs = Network.OutputCount,
            ParameterLength = Network.Layout.Length,
            ClipsNorm = Regularization.ClipNorm is not null,
            TargetScale = data.Preprocessing.TargetScale,
            LearningRate = Schedule.At,
        };
    }

    /// <summary>The run file.</summary>
    public RunOptions Options { get; }

    /// <summary>The rows.</summary>
    public LoadedData Data { get; }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>Which rows make which step.</summary>
    public StepPlan Plan { get; }

    /// <summary>The optimizer.</summary>
    public OptimizerSpec Optimizer { get; }

    /// <summary>Penalties and bounds.</summary>
    public RegularizationSpec Regularization { get; }

    /// <summary>The learning rate by step.</summary>
    public ScheduleSpec Schedule { get; }

    /// <summary>The run in numbers.</summary>
    public RunShape Shape { get; }

    /// <summary>The rows of a step, cut into shards.</summary>
    public StepBatch BatchOf(long step) =>
        new(Data.Training, Plan.RowsOf(step), Options.Training.ShardsPerStep, step, Options.Training.Seed);

    /// <summary>The rows of a split.</summary>
    public IExampleSource RowsOf(EvaluatedSplit split) =>
        (split == EvaluatedSplit.Validation ? Data.Validation : Data.Test)
        ?? throw new InvalidOperationException($"the run has no {split} rows");

    /// <summary>Sums of one block of a split.</summary>
    public EvaluationTotals EvaluateBlock(GradientEngine engine, EvaluatedSplit split, int block, ReadOnlySpan<float> parameters)
    {
        IExampleSource rows = RowsOf(split);
        int first = block * EvaluationBlock.Rows;
        return engine.Evaluate(rows, first, Math.Min(EvaluationBlock.Rows, rows.Rows - first), parameters);
    }
}
