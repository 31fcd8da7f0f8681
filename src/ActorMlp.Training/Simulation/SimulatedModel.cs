using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>What simulated nodes compute.</summary>
public abstract class SimulatedModel
{
    /// <summary>The run in numbers.</summary>
    public abstract RunShape Shape { get; }

    /// <summary>Floats of the parameter vector.</summary>
    public abstract int Length { get; }

    /// <summary>Vectors of optimizer state.</summary>
    public abstract int OptimizerSlots { get; }

    /// <summary>Bytes of a float on its way.</summary>
    public virtual double BytesPerFloat => sizeof(float);

    /// <summary>Bytes of a gradient's float on its way.</summary>
    public virtual double BytesPerGradientFloat => BytesPerFloat;

    /// <summary>Whether subtrees owe something.</summary>
    public virtual bool HasErrorFeedback => false;

    /// <summary>Deals the parameters to servers.</summary>
    public abstract PieceDealer CreateDealer();

    /// <summary>What a run begins with: weights, optimizer state, and what each subtree owes.</summary>
    public abstract float[][] CreateState();

    /// <summary>What a run begins with that is made of the shares of so many workers: weights, and the optimizer state of all of them.</summary>
    public float[][] CreateState(int workers) => Shape.Sharing!.Rule.Mode != ConsistencyMode.Local
        ? CreateState()
        : [CreateState()[0], .. Enumerable.Range(0, Shape.Sharing.PlanOf(workers).Shares * OptimizerSlots).Select(_ => new float[Length])];

    /// <summary>A subtree's gradient, <paramref name="gradient"/> as long as the parameters.</summary>
    public abstract GradientTotals Compute(long stepNumber, TreeNode node, ReadOnlySpan<float> weights, Span<float> gradient);

    /// <summary>Puts what a receiver decodes in the place of a gradient; <paramref name="owed"/> before the step, <paramref name="owes"/> after it.</summary>
    public virtual void Encode(ReadOnlySpan<float> owed, Span<float> owes, Span<float> gradient)
    {
        // Gradients travel as they are.
    }

    /// <summary>What shares are computed with; null where the model knows none.</summary>
    public virtual IShareModel? Shares => null;

    /// <summary>Sums of one block of a split.</summary>
    public abstract EvaluationTotals Evaluate(EvaluatedSplit split, int block, ReadOnlySpan<float> weights);

    /// <summary>An optimizer for a range.</summary>
    /// <param name="range">Which.</param>
    /// <param name="slots">Its state, one vector of the range's length each.</param>
    public abstract SimulatedOptimizer CreateOptimizer(ParameterRange range, float[][] slots);
}

/// <summary>What a simulated parameter server updates its range with.</summary>
public abstract class SimulatedOptimizer
{
    /// <summary>Squared norms of a piece's chunks.</summary>
    public abstract double[] Measure(ParameterPiece piece, GradientPart[] parts, GradientTotals totals, ReadOnlySpan<float> current);

    /// <summary>Applies a step to a piece that was measured, where the gradient's norm is bounded, or else to one that was not.</summary>
    public abstract UpdateReport Apply(
        long stepNumber, ParameterPiece piece, GradientPart[] parts, GradientTotals totals, double? norm, ReadOnlySpan<float> current, Span<float> updated);
}
