using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>One piece of a server's range during a step.</summary>
/// <param name="piece">Which.</param>
/// <param name="shards">Shards per step.</param>
/// <param name="verification">What is computed twice.</param>
internal sealed class PieceAccount(ParameterPiece piece, int shards, VerificationPlan verification)
{
    public ParameterPiece Piece => piece;

    public StepLedger Ledger { get; } = new(shards);

    public VerificationBook Checks { get; } = new(verification);

    public PiecePhase Phase { get; set; } = PiecePhase.Collecting;

    public void Clear()
    {
        Ledger.Clear();
        Checks.Clear();
        Phase = PiecePhase.Collecting;
    }
}

/// <summary>How far a piece is with the step in flight.</summary>
internal enum PiecePhase
{
    /// <summary>Gradients come in.</summary>
    Collecting,

    /// <summary>Every shard is counted, and the engine is at work on it, or waits for the other pieces' norms.</summary>
    Updating,

    /// <summary>Its weights are those of the next step.</summary>
    Applied,
}
