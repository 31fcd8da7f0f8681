using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a parameter server wants done.</summary>
public abstract record ParameterServerEffect;

/// <summary>Take over pieces with weights and optimizer state as of a step, then hand in <see cref="RangeAcquired"/>.</summary>
/// <param name="Arrangement">What stands from now on.</param>
/// <param name="Pieces">This server's share; empty if it has none and lets go of what it had.</param>
/// <param name="StandbyPieces">What it stands by for.</param>
public sealed record AcquireRange(
    Arrangement Arrangement, IReadOnlyList<ParameterPiece> Pieces, IReadOnlyList<ParameterPiece> StandbyPieces) : ParameterServerEffect;

/// <summary>Tell the workers that a step is open.</summary>
/// <param name="Message">What to tell.</param>
/// <param name="Announced">Whether <see cref="SendWeights"/> has told it already.</param>
public sealed record OpenStep(StepOpened Message, bool Announced) : ParameterServerEffect;

/// <summary>Ask a worker to compute what another one is late with.</summary>
/// <param name="To">Who is asked.</param>
/// <param name="Message">What for.</param>
public sealed record AskForHelp(WorkerId To, ComputeAlso Message) : ParameterServerEffect;

/// <summary>Send a piece of the weights to workers that have a copy of their own.</summary>
/// <param name="Message">What they make of it.</param>
/// <param name="Piece">Which piece.</param>
/// <param name="To">Who gets it; null for every worker.</param>
public sealed record SendWeights(WeightsArrived Message, ParameterPiece Piece, IReadOnlyList<WorkerId>? To) : ParameterServerEffect;

/// <summary>Complete the tree over a piece's gradients and apply the update, then hand in <see cref="UpdateApplied"/>.</summary>
/// <param name="Arrangement">Number of the arrangement that the piece is of.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Piece">The piece.</param>
/// <param name="Parts">Gradient sums that cover the tree, left to right.</param>
/// <param name="Totals">Sums over the step's rows.</param>
/// <param name="Forward">Where the completed gradient goes as well; null for nowhere.</param>
public sealed record ApplyUpdate(
    int Arrangement, long Step, ParameterPiece Piece, GradientPart[] Parts, GradientTotals Totals, ForwardSum? Forward) : ParameterServerEffect;

/// <summary>A completed gradient goes to a standby, as <see cref="SumArrived"/>.</summary>
/// <param name="To">The standby.</param>
/// <param name="View">The view in which the next step is computed.</param>
/// <param name="Held">Whether the run holds before the next step.</param>
public sealed record ForwardSum(int To, int View, bool Held);

/// <summary>Tell the lead's standby what the coordinator will hear of the step, before any of the step's sums.</summary>
/// <param name="To">The standby.</param>
/// <param name="Message">What.</param>
public sealed record ForwardCommit(int To, CommitForwarded Message) : ParameterServerEffect;

/// <summary>Apply a sum to a piece that this server stands by for, then hand in <see cref="SumApplied"/>.</summary>
/// <param name="Piece">The piece.</param>
/// <param name="Sum">What came for it.</param>
public sealed record ApplySum(ParameterPiece Piece, SumArrived Sum) : ParameterServerEffect;

/// <summary>Complete the tree over a piece's gradients and measure its mean, then hand in <see cref="UpdateMeasured"/>.</summary>
/// <param name="Arrangement">Number of the arrangement that the piece is of.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Piece">The piece.</param>
/// <param name="Parts">Gradient sums that cover the tree, left to right.</param>
/// <param name="Totals">Sums over the step's rows.</param>
public sealed record MeasureUpdate(int Arrangement, long Step, ParameterPiece Piece, GradientPart[] Parts, GradientTotals Totals) : ParameterServerEffect;

/// <summary>Apply the update that was measured, then hand in <see cref="UpdateApplied"/>.</summary>
/// <param name="Arrangement">Number of the arrangement that the piece is of.</param>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Piece">The piece.</param>
/// <param name="Norm">The gradient's global norm.</param>
/// <param name="Parts">Gradient sums that cover the tree, left to right.</param>
/// <param name="Totals">Sums over the step's rows.</param>
/// <param name="Forward">Where the completed gradient goes as well; null for nowhere.</param>
public sealed record ApplyMeasured(
    int Arrangement, long Step, ParameterPiece Piece, double Norm, GradientPart[] Parts, GradientTotals Totals, ForwardSum? Forward) : ParameterServerEffect;

/// <summary>Tell the coordinator.</summary>
/// <param name="Message">What to tell.</param>
public sealed record TellCoordinator(ICoordinatorMessage Message) : ParameterServerEffect;

/// <summary>Tell every other parameter server of the arrangement.</summary>
/// <param name="Message">What to tell.</param>
public sealed record TellServers(PieceMeasured Message) : ParameterServerEffect;

/// <summary>Copy weights and optimizer as they stand, then have them written in the background, in order; <see cref="CheckpointWritten"/> follows.</summary>
/// <param name="Kind">Which checkpoint.</param>
/// <param name="Progress">What else it holds.</param>
/// <param name="Pieces">Whose state it is: what this server has taken over and not caught up with is of another step.</param>
public sealed record SaveCheckpoint(CheckpointKind Kind, RunProgress Progress, IReadOnlyList<ParameterPiece> Pieces) : ParameterServerEffect;

/// <summary>Copy what this server stands by for, as the run holds at this step: if its server is lost before whoever keeps the run has this state, nobody else does.</summary>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Pieces">The pieces.</param>
public sealed record KeepState(long Step, IReadOnlyList<ParameterPiece> Pieces) : ParameterServerEffect
{
    /// <summary>Copies that are kept, the newest: a state is on its way for moments, however slow the disk is on which it ends up.</summary>
    public const int Most = 3;
}

/// <summary>Send those copies to whoever keeps the run: the server is lost.</summary>
/// <param name="Pieces">The pieces.</param>
public sealed record SendKeptStates(IReadOnlyList<ParameterPiece> Pieces) : ParameterServerEffect;

/// <summary>Load the weights of the best checkpoint, once it is written; <see cref="BestRestored"/> follows.</summary>
/// <param name="Step">Steps committed in it: another one is not it.</param>
public sealed record LoadBest(long Step) : ParameterServerEffect;
