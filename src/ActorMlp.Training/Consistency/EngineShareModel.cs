using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>Network, data and optimizer of a run file. Call on the pool.</summary>
/// <param name="setup">The run.</param>
/// <param name="pool">The threads that compute.</param>
public sealed class EngineShareModel(RunSetup setup, ComputePool pool) : IShareModel
{
    private readonly GradientEngine engine = new(setup.Network, pool);

    /// <inheritdoc/>
    public int Length => setup.Network.Layout.Length;

    /// <inheritdoc/>
    public GradientTotals ComputeGradient(long clock, TreeNode node, ReadOnlySpan<float> weights, Span<float> sum) =>
        engine.ComputeGradient(setup.BatchOf(clock), node, weights, sum);

    /// <inheritdoc/>
    public IShareOptimizer CreateOptimizer() => Wrap(new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool));

    /// <inheritdoc/>
    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block, ReadOnlySpan<float> weights) =>
        setup.EvaluateBlock(engine, split, block, weights);

    /// <summary>An updater that is there already, at the run's learning rate.</summary>
    public IShareOptimizer Wrap(ParameterUpdater updater) => new Optimizer(setup.Shape, updater);

    private sealed class Optimizer(RunShape shape, ParameterUpdater updater) : IShareOptimizer
    {
        public IReadOnlyList<OptimizerSlot> Slots => updater.Slots;

        public UpdateReport Apply(long update, long clock, ReadOnlySpan<GradientPart> parts, long rows, Span<float> parameters) =>
            updater.Apply(update, shape.LearningRate(clock), parts, rows, parameters);
    }
}
