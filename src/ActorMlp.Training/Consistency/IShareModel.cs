using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Consistency;

/// <summary>What the arithmetic of shares is made of: gradients of subtrees, and optimizers. Not re-entrant: one call at a time.</summary>
public interface IShareModel
{
    /// <summary>Floats of the parameter vector.</summary>
    int Length { get; }

    /// <summary>The gradient sum of a subtree.</summary>
    /// <param name="clock">The step, 0-based.</param>
    /// <param name="node">The subtree; it has rows.</param>
    /// <param name="weights">The weights, <c>[Length]</c>.</param>
    /// <param name="sum">Receives the sum, <c>[Length]</c>.</param>
    GradientTotals ComputeGradient(long clock, TreeNode node, ReadOnlySpan<float> weights, Span<float> sum);

    /// <summary>An optimizer with fresh state.</summary>
    IShareOptimizer CreateOptimizer();

    /// <summary>Sums of one block of a split.</summary>
    EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block, ReadOnlySpan<float> weights);
}

/// <summary>An optimizer of the whole parameter vector, with its state.</summary>
public interface IShareOptimizer
{
    /// <summary>Its state.</summary>
    IReadOnlyList<OptimizerSlot> Slots { get; }

    /// <summary>Applies an update.</summary>
    /// <param name="update">The update's number, from 0.</param>
    /// <param name="clock">The step whose learning rate it takes.</param>
    /// <param name="parts">Gradient sums of nodes that cover the tree's root, left to right.</param>
    /// <param name="rows">Rows that they sum over.</param>
    /// <param name="parameters">The parameters, updated in place.</param>
    UpdateReport Apply(long update, long clock, ReadOnlySpan<GradientPart> parts, long rows, Span<float> parameters);
}
