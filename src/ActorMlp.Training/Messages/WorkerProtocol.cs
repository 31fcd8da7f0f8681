using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Messages;

/// <summary>What a worker handles.</summary>
public interface IWorkerMessage;

/// <summary>A new view stands (from the coordinator; parameter servers get it too).</summary>
/// <param name="View">The view.</param>
/// <param name="CommittedSteps">Steps that the coordinator knows to be committed: later ones are to be told it, once more perhaps.</param>
[MessagePackObject]
public sealed record ViewPublished([property: Key(0)] View View, [property: Key(1)] long CommittedSteps = 0) : IWorkerMessage, IParameterServerMessage;

/// <summary>
/// A step's weights are there: compute what you own of it (from the parameter server). Sent again for the same step when the view changes
/// while the step is open.
/// </summary>
/// <param name="View">Number of the view that the step is computed in.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Present">Subtrees that the parameter server already has.</param>
[MessagePackObject]
public sealed record StepOpened(
    [property: Key(0)] int View,
    [property: Key(1)] long Step,
    [property: Key(2)] IReadOnlyList<TreeNode> Present) : IWorkerMessage;

/// <summary>Compute subtrees of another worker too, after your own: it is late with them, or was with those of the step before (from a parameter server).</summary>
/// <param name="View">Number of the view that the step is computed in.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Nodes">The subtrees.</param>
[MessagePackObject]
public sealed record ComputeAlso(
    [property: Key(0)] int View,
    [property: Key(1)] long Step,
    [property: Key(2)] IReadOnlyList<TreeNode> Nodes) : IWorkerMessage;

/// <summary>A piece of the weights is there (from its parameter server, or from whoever keeps the run).</summary>
/// <param name="Arrangement">The arrangement it belongs to.</param>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="View">The view in which the next step is computed; the lead's word counts.</param>
/// <param name="Held">Whether the next step waits for <see cref="StepOpened"/>; the lead's word counts.</param>
public sealed record WeightsArrived(int Arrangement, long Step, int Offset, int View, bool Held) : IWorkerMessage;

/// <summary>Rows of a split that are evaluated at a time; part of the order of summation.</summary>
public static class EvaluationBlock
{
    /// <summary>Rows in a block; the last block of a split may have fewer.</summary>
    public const int Rows = 256;

    /// <summary>Blocks that <paramref name="rows"/> rows make.</summary>
    public static int CountFor(int rows) => (rows + Rows - 1) / Rows;
}

/// <summary>A split that is evaluated.</summary>
public enum EvaluatedSplit
{
    /// <summary>The validation rows.</summary>
    Validation,

    /// <summary>The test rows.</summary>
    Test,
}

/// <summary>Evaluate blocks [<paramref name="FirstBlock"/>, <paramref name="EndBlock"/>) of a split with the weights as they stand (from the coordinator, between steps).</summary>
/// <param name="Evaluation">Number of the evaluation within the run.</param>
/// <param name="Split">Which rows.</param>
/// <param name="FirstBlock">First block of <see cref="EvaluationBlock.Rows"/> rows.</param>
/// <param name="EndBlock">One past the last block.</param>
/// <param name="WeightsStep">Steps committed in the weights to evaluate; one more than the run has for those of the best epoch.</param>
[MessagePackObject]
public sealed record EvaluateBlocks(
    [property: Key(0)] int Evaluation,
    [property: Key(1)] EvaluatedSplit Split,
    [property: Key(2)] int FirstBlock,
    [property: Key(3)] int EndBlock,
    [property: Key(4)] long WeightsStep) : IWorkerMessage;

/// <summary>The engine finished a subtree (from the worker to itself).</summary>
/// <param name="Step">The step it belongs to.</param>
/// <param name="Node">The subtree.</param>
/// <param name="Totals">Rows, loss and hits.</param>
/// <param name="Gradient">The gradient sum of the subtree, or of a larger one that holds it.</param>
/// <param name="View">The view for which it was computed.</param>
public sealed record SubtreeFinished(long Step, TreeNode Node, GradientTotals Totals, GradientPart Gradient, int View) : IWorkerMessage;

/// <summary>The engine finished an evaluation (from the worker to itself).</summary>
/// <param name="Result">What goes to the coordinator.</param>
public sealed record EvaluationFinished(BlocksEvaluated Result) : IWorkerMessage;
