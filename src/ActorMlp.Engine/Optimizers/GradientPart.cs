using ActorMlp.Engine.Batches;

namespace ActorMlp.Engine.Optimizers;

/// <summary>The gradient sum of a subtree.</summary>
/// <param name="Node">The subtree.</param>
/// <param name="Sum">Its sum, in the layout of the parameters.</param>
public readonly record struct GradientPart(TreeNode Node, ReadOnlyMemory<float> Sum);

/// <summary>What an update did.</summary>
/// <param name="GradientNorm">Global norm of the mean gradient, penalties included, before clipping; null where clipping is off.</param>
/// <param name="NonFiniteLayer">The first layer that got a parameter that is not finite, 0-based; null if all are finite.</param>
public readonly record struct UpdateReport(double? GradientNorm, int? NonFiniteLayer);

/// <summary>A vector that an optimizer keeps beside the parameters, in their layout.</summary>
/// <param name="Name">What it is: velocity, squareSum, meanSquare, firstMoment, secondMoment.</param>
/// <param name="Values">The vector; may be overwritten to resume a run.</param>
public sealed record OptimizerSlot(string Name, Memory<float> Values);
