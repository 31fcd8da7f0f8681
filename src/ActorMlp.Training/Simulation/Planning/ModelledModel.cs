using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation.Planning;

/// <summary>Nothing is computed: one float stands for each piece of the parameters, and goes over links with the piece's bytes.</summary>
/// <param name="plan">The run and its cluster.</param>
/// <param name="steps">Steps to simulate.</param>
/// <param name="checkpointEverySteps">Steps between two checkpoints; 0 for none.</param>
/// <param name="timer">Told when gradients and updates are done.</param>
internal sealed class ModelledModel(ClusterPlan plan, int steps, int checkpointEverySteps, StepTimer timer) : SimulatedModel
{
    /// <summary>The time.</summary>
    public Func<TimeSpan> Now { get; set; } = () => TimeSpan.Zero;

    /// <summary>What cores did up to now.</summary>
    public Func<MachineUse> Use { get; set; } = () => MachineUse.None;

    /// <inheritdoc/>
    public override RunShape Shape { get; } = plan.Shape with
    {
        Epochs = 1,
        StepsPerEpoch = steps,
        CheckpointEverySteps = checkpointEverySteps,
        ValidationRows = 0,
        TestRows = 0,
        Workers = plan.Nodes,
        LearningRate = _ => 0,
    };

    /// <inheritdoc/>
    public override int Length => plan.Servers * plan.PiecesPerServer;

    /// <inheritdoc/>
    public override int OptimizerSlots => plan.OptimizerSlots;

    /// <inheritdoc/>
    public override double BytesPerFloat => plan.WeightBytes / Length;

    /// <inheritdoc/>
    public override double BytesPerGradientFloat => plan.GradientBytes / Length;

    /// <inheritdoc/>
    public override PieceDealer CreateDealer() => new([.. Enumerable.Range(0, Length + 1)], 1);

    /// <inheritdoc/>
    public override float[][] CreateState() => [.. Enumerable.Range(0, 1 + OptimizerSlots).Select(_ => new float[Length])];

    /// <inheritdoc/>
    public override GradientTotals Compute(long stepNumber, TreeNode node, ReadOnlySpan<float> weights, Span<float> gradient)
    {
        timer.Computed(stepNumber, Now());
        return new GradientTotals(node.ShardCount, 0, 0);
    }

    /// <inheritdoc/>
    public override EvaluationTotals Evaluate(EvaluatedSplit split, int block, ReadOnlySpan<float> weights) =>
        throw new InvalidOperationException("a modelled run has no rows to evaluate");

    /// <inheritdoc/>
    public override SimulatedOptimizer CreateOptimizer(ParameterRange range, float[][] slots) => new Optimizer(this, timer);

    private sealed class Optimizer(ModelledModel model, StepTimer timer) : SimulatedOptimizer
    {
        public override double[] Measure(ParameterPiece piece, GradientPart[] parts, GradientTotals totals, ReadOnlySpan<float> current) => [0];

        public override UpdateReport Apply(
            long stepNumber, ParameterPiece piece, GradientPart[] parts, GradientTotals totals, double? norm, ReadOnlySpan<float> current, Span<float> updated)
        {
            timer.Updated(stepNumber, piece.Offset, model.Now(), model.Use());
            return new UpdateReport(norm, null);
        }
    }
}
