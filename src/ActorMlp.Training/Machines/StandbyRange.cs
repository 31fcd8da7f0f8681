using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// What a server stands by for, decided: another server's range, to which it applies the same completed gradients, so that it holds the same bits. It is the
/// standby that sends the range's weights to everybody but the server itself (chain replication: van Renesse and Schneider, OSDI 2004); so it has whatever
/// anybody has that outlives the server, and a step's weights cost no byte more than without a standby.
/// </summary>
/// <param name="pieces">The range.</param>
/// <param name="step">Steps committed in the state that it begins with.</param>
internal sealed class StandbyRange(IReadOnlyList<ParameterPiece> pieces, long step)
{
    private readonly PiecePhase[] phases = new PiecePhase[pieces.Count];
    private readonly List<SumArrived> ahead = [];
    private readonly Dictionary<long, StepCommitted> announced = [];
    private double? norm;

    /// <summary>The range.</summary>
    public IReadOnlyList<ParameterPiece> Pieces => pieces;

    /// <summary>The step whose sums come in.</summary>
    public long Step { get; private set; } = step;

    /// <summary>Sums over that step's rows, once a sum is here.</summary>
    public GradientTotals Totals { get; private set; }

    /// <summary>The server's word on the step after it, once a sum is here.</summary>
    public SumArrived? Word { get; private set; }

    /// <summary>The server's word on this step: whether the run holds before it.</summary>
    public bool Held { get; private set; } = true;

    /// <summary>The view that this step is computed in, by the server's word.</summary>
    public int View { get; private set; }

    /// <summary>What the lead is about to tell of this step; null if this is not the lead's range.</summary>
    public StepCommitted? Announced => announced.GetValueOrDefault(Step);

    /// <summary>How far a piece is.</summary>
    public PiecePhase PhaseOf(int offset) => phases[IndexOf(offset)];

    /// <summary>Whether a piece is among the range.</summary>
    public bool Has(int offset) => IndexOf(offset) >= 0;

    /// <summary>Whether what a sum holds is still needed.</summary>
    public bool Needs(SumArrived message) => IndexOf(message.Offset) is >= 0 and int index
        && (message.Step == Step ? phases[index] == PiecePhase.Collecting : message.Step > Step);

    /// <summary>A sum: to be applied at once, or after the step before.</summary>
    public ApplySum? Enter(SumArrived message)
    {
        if (!Needs(message))
        {
            return null;
        }

        if (message.Step > Step)
        {
            ahead.Add(message);
            return null;
        }

        int index = IndexOf(message.Offset);
        phases[index] = PiecePhase.Updating;
        (Totals, Word) = (message.Totals, message);
        return new ApplySum(pieces[index], message);
    }

    /// <summary>What the lead will tell the coordinator of the step.</summary>
    public void Enter(CommitForwarded message) => announced[message.Commit.Step] = message.Commit;

    /// <summary>A sum is applied.</summary>
    /// <returns>The piece; null if nothing waits for it.</returns>
    public ParameterPiece? Enter(SumApplied message)
    {
        int index = IndexOf(message.Offset);
        if (message.Step != Step || index < 0 || phases[index] != PiecePhase.Updating)
        {
            return null;
        }

        phases[index] = PiecePhase.Applied;
        norm = message.Report.GradientNorm ?? norm;
        return pieces[index];
    }

    /// <summary>With the last piece the step is done, and the next begins.</summary>
    /// <param name="commit">What the lead tells of it, if this is the lead's range.</param>
    /// <returns>Sums of the next step that are here already.</returns>
    public IReadOnlyList<SumArrived> Advance(out StepCommitted? commit)
    {
        commit = null;
        if (!phases.All(phase => phase == PiecePhase.Applied))
        {
            return [];
        }

        commit = announced.Remove(Step, out StepCommitted? told) ? told with { GradientNorm = norm } : null;
        (Held, View) = (Word!.Held, Word.View);
        Step++;
        (Word, norm) = (null, null);
        Array.Clear(phases);
        SumArrived[] due = [.. ahead.Where(sum => sum.Step == Step)];
        ahead.RemoveAll(sum => sum.Step <= Step);
        return due;
    }

    private int IndexOf(int offset)
    {
        for (int i = 0; i < pieces.Count; i++)
        {
            if (pieces[i].Offset == offset)
            {
                return i;
            }
        }

        return -1;
    }
}
