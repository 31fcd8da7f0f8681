using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>One piece of a server's range during a step.</summary>
/// <param name="piece">Which.</param>
/// <param name="shards">Shards per step.</param>
/// <param name="verification">What is computed twice.</param>
internal sealed class PieceAccount(ParameterPiece piece, int shards, VerificationPlan verification)
{
    /// <summary>Which piece, and who stands by for it; that changes when a server is lost.</summary>
    public ParameterPiece Piece { get; set; } = piece;

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

    /// <summary>Every shard is counted; the engine takes the mean and measures it.</summary>
    Measuring,

    /// <summary>It waits for the other pieces' norms.</summary>
    Measured,

    /// <summary>The engine applies the update.</summary>
    Updating,

    /// <summary>Its weights are those of the next step.</summary>
    Applied,
}
