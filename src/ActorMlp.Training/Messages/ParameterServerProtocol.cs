using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Messages;

/// <summary>What a parameter server handles.</summary>
public interface IParameterServerMessage;

/// <summary>A worker computed a subtree of a step (from a worker).</summary>
/// <param name="Worker">Who computed it.</param>
/// <param name="View">The view it was computed in.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Node">The subtree.</param>
/// <param name="Totals">Rows, loss and hits.</param>
/// <param name="Gradient">The gradient sum of the subtree, or of a larger one that holds it: the floats of the piece.</param>
/// <param name="Offset">Where the piece begins.</param>
public sealed record SubtreeComputed(
    WorkerId Worker, int View, long Step, TreeNode Node, GradientTotals Totals, GradientPart Gradient, int Offset = 0)
    : IParameterServerMessage
{
    /// <summary>Whether another worker owns it, and this is the second computation: it is compared, not counted.</summary>
    public bool Verifies { get; init; }
}

/// <summary>Weights and optimizer state of an arrangement are there (from the parameter server to itself).</summary>
/// <param name="Arrangement">The arrangement's number.</param>
public sealed record RangeAcquired(int Arrangement) : IParameterServerMessage;

/// <summary>Open the next step (from the coordinator, after a step that was held).</summary>
/// <param name="Step">The step to open.</param>
/// <param name="View">Number of the view that stands: what a coordinator that is gone has said does not count.</param>
[MessagePackObject]
public sealed record ContinueTraining([property: Key(0)] long Step, [property: Key(1)] int View) : IParameterServerMessage;

/// <summary>Hold after the step in flight (from the coordinator; the lead obeys, the others follow it).</summary>
/// <param name="View">Number of the view that stands.</param>
[MessagePackObject]
public sealed record HoldTraining([property: Key(0)] int View) : IParameterServerMessage;

/// <summary>Time passes, a third of <see cref="RunShape.LateAfter"/> since the last time (from the parameter server's actor to itself).</summary>
public sealed record LatenessDue : IParameterServerMessage;

/// <summary>Which of a run's two checkpoints.</summary>
public enum CheckpointKind
{
    /// <summary>The newest.</summary>
    Last,

    /// <summary>The best on the validation rows.</summary>
    Best,
}

/// <summary>Write a checkpoint of the weights as they stand (from the coordinator, while a step is held).</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Progress">What the coordinator knows of the run.</param>
/// <param name="KnownStep">Steps committed in the newest checkpoint that the coordinator knows to be kept: it asks for no older state.</param>
[MessagePackObject]
public sealed record WriteCheckpoint(
    [property: Key(0)] CheckpointKind Kind,
    [property: Key(1)] RunProgress Progress,
    [property: Key(2)] long KnownStep) : IParameterServerMessage;

/// <summary>Take the weights of the best checkpoint (from the coordinator, after the last step).</summary>
/// <param name="Step">Steps committed in it: another one is not it.</param>
[MessagePackObject]
public sealed record RestoreBest([property: Key(0)] long Step) : IParameterServerMessage;

/// <summary>The engine took the mean of a piece's gradient and measured it (from the parameter server to itself).</summary>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Step">The step.</param>
/// <param name="Offset">Where the piece begins.</param>
/// <param name="Squares">The squared norm of each of its chunks, ascending.</param>
public sealed record UpdateMeasured(int Arrangement, long Step, int Offset, double[] Squares) : IParameterServerMessage;

/// <summary>A piece's gradient is measured (from each parameter server to all others): the global norm takes every piece.</summary>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Offset">Where the piece begins.</param>
/// <param name="Squares">The squared norm of each of its chunks, ascending.</param>
[MessagePackObject]
public sealed record PieceMeasured(
    [property: Key(0)] int Arrangement,
    [property: Key(1)] long Step,
    [property: Key(2)] int Offset,
    [property: Key(3)] IReadOnlyList<double> Squares) : IParameterServerMessage;

/// <summary>A step's completed gradient of a piece (from the piece's server to its standby, which applies it too and sends the weights to everybody else).</summary>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Offset">Where the piece begins.</param>
/// <param name="Totals">Sums over the step's rows.</param>
/// <param name="View">The view in which the next step is computed; the lead's word counts.</param>
/// <param name="Held">Whether the run holds before the next step; the lead's word counts.</param>
/// <param name="Norm">The gradient's global norm; null where it is not bounded, or the piece is the whole vector.</param>
/// <param name="Parts">Gradients that cover the tree, left to right: the sum, as a rule.</param>
public sealed record SumArrived(
    int Arrangement, long Step, int Offset, GradientTotals Totals, int View, bool Held, double? Norm, GradientPart[] Parts) : IParameterServerMessage;

/// <summary>What the lead is about to tell the coordinator of a step (to its standby, before the step's first <see cref="SumArrived"/>).</summary>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Commit">What.</param>
[MessagePackObject]
public sealed record CommitForwarded([property: Key(0)] int Arrangement, [property: Key(1)] StepCommitted Commit) : IParameterServerMessage;

/// <summary>The engine applied a sum to a piece that this server stands by for (from the parameter server to itself).</summary>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Step">The step it completes.</param>
/// <param name="Offset">Where the piece begins.</param>
/// <param name="Report">Norm of the gradient; the layer that is no longer finite, if any.</param>
/// <param name="Squares">The squared norm of each of the piece's chunks; null where the norm is not bounded over several pieces.</param>
public sealed record SumApplied(int Arrangement, long Step, int Offset, UpdateReport Report, double[]? Squares) : IParameterServerMessage;

/// <summary>The engine applied the update (from the parameter server to itself).</summary>
/// <param name="Arrangement">The arrangement's number: updates of an older one may still be under way.</param>
/// <param name="Step">The step it completes.</param>
/// <param name="Report">Norm of the gradient; the layer that is no longer finite, if any.</param>
/// <param name="Offset">Where the piece begins.</param>
public sealed record UpdateApplied(int Arrangement, long Step, UpdateReport Report, int Offset) : IParameterServerMessage;
