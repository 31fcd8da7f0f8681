using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Runs;

/// <summary>A run made ready: options and data turned into network, plan and rules. Immutable, shared by all actors of a process.</summary>
public sealed class RunSetup
{
    private readonly RunBlueprint blueprint;

    /// <summary>Builds network and plan for <paramref name="options"/> over <paramref name="data"/>.</summary>
    public RunSetup(RunOptions options, LoadedData data)
    {
        blueprint = new RunBlueprint(options, RunFacts.Of(data));
        Data = data;
    }

    /// <summary>The run file.</summary>
    public RunOptions Options => blueprint.Options;

    /// <summary>The rows.</summary>
    public LoadedData Data { get; }

    /// <summary>The network.</summary>
    public Network Network => blueprint.Network;

    /// <summary>Which rows make which step.</summary>
    public StepPlan Plan => blueprint.Plan;

    /// <summary>The optimizer.</summary>
    public OptimizerSpec Optimizer => blueprint.Optimizer;

    /// <summary>Penalties and bounds.</summary>
    public RegularizationSpec Regularization => blueprint.Regularization;

    /// <summary>The learning rate by step.</summary>
    public ScheduleSpec Schedule => blueprint.Schedule;

    /// <summary>The names of all state beside the weights, in order: the optimizer's, then what the encoding of gradients owes.</summary>
    public IReadOnlyList<string> StateNames => blueprint.StateNames;

    /// <summary>The names of all state beside the weights in a run that is made of shares, in order.</summary>
    /// <param name="workers">Workers that it was begun with.</param>
    public IReadOnlyList<string> StateNamesOf(int workers) => blueprint.StateNamesOf(workers);

    /// <summary>What the run's state is made of.</summary>
    public StateShape StateShape
    {
        get
        {
            int residuals = Encoding?.ResidualNames.Count ?? 0;
            return new StateShape(
                Network.Layout.Length, workers => 1 + (workers is { } count ? StateNamesOf(count) : StateNames).Count - residuals, residuals);
        }
    }

    /// <summary>How gradients are encoded; null for as they are.</summary>
    public EncodingPlan? Encoding => blueprint.Encoding;

    /// <summary>The run in numbers.</summary>
    public RunShape Shape => blueprint.Shape;

    /// <summary>An encoder of gradients; null where they travel as they are.</summary>
    public SubtreeEncoder? CreateEncoder() => blueprint.CreateEncoder();

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
