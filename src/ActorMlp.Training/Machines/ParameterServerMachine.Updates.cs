using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>From the last gradient of a piece to the commit: norms, updates, weights.</content>
public sealed partial class ParameterServerMachine
{
    /// <summary>A piece of this server is measured.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(UpdateMeasured message)
    {
        if (message.Arrangement != Arrangement.Number || message.Step != step || Find(message.Offset) is not { Phase: PiecePhase.Measuring } piece)
        {
            return [];
        }

        piece.Phase = PiecePhase.Measured;
        var measured = new PieceMeasured(Arrangement.Number, step, message.Offset, message.Squares);
        return [new TellServers(measured), .. Enter(measured)];
    }

    /// <summary>A piece of some server is measured; with the last one the global norm is known.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(PieceMeasured message)
    {
        if (message.Arrangement > Arrangement.Number || (message.Arrangement == Arrangement.Number && phase == Phase.Acquiring))
        {
            // Its sender was quicker to hear of the arrangement, or to get its range.
            early.Add(message);
            return [];
        }

        return message.Arrangement < Arrangement.Number || message.Step < step - 1 ? [] : Enter(message);
    }

    /// <summary>A piece's update is applied: send its weights; with the last piece commit, and open the next step unless the run holds there.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(UpdateApplied message)
    {
        if (message.Arrangement != Arrangement.Number
            || message.Step != step
            || Find(message.Offset) is not { Phase: PiecePhase.Updating } piece)
        {
            return [];
        }

        piece.Phase = PiecePhase.Applied;
        norm = message.Report.GradientNorm ?? norm;
        diverged = message.Report.NonFiniteLayer is { } layer ? Math.Min(layer, diverged ?? layer) : diverged;
        if (diverged is null && !double.IsFinite(totals.LossSum))
        {
            diverged = shape.Layers - 1;
        }

        if (diverged is { } bad)
        {
            phase = Phase.Acquiring;
            return [new TellCoordinator(new StepDiverged(step, bad, totals.LossSum / totals.Rows))];
        }

        DecideNext();
        List<ParameterServerEffect> effects = [.. Send(piece.Piece, step + 1, next!.Value.View.Number, next.Value.Held, null)];
        if (pieces.All(one => one.Phase == PiecePhase.Applied))
        {
            effects.AddRange(Commit());
        }

        return effects;
    }

    private List<ParameterServerEffect> Complete(PieceAccount piece)
    {
        totals = piece.Ledger.Totals();
        GradientPart[] parts = piece.Ledger.GradientParts();
        DecideNext();
        List<ParameterServerEffect> effects = [];
        if (piece == pieces[0])
        {
            verified = piece.Checks.ShardsVerified;
            contributions = CountedSubtree.Merge(piece.Ledger.Parts.Select(part => new CountedSubtree(part.Worker.Number, part.Node)));
            if (IsLead && piece.Piece.Standby >= 0)
            {
                effects.Add(new ForwardCommit(piece.Piece.Standby, new CommitForwarded(Arrangement.Number, CommitOf(next!.Value.Held))));
            }
        }

        // A piece that is the whole vector has its norm to itself.
        if (shape.ClipsNorm && Arrangement.Pieces.Count > 1)
        {
            piece.Phase = PiecePhase.Measuring;
            effects.Add(new MeasureUpdate(Arrangement.Number, step, piece.Piece, parts, totals));
        }
        else
        {
            piece.Phase = PiecePhase.Updating;
            effects.Add(new ApplyUpdate(Arrangement.Number, step, piece.Piece, parts, totals, ForwardOf(piece)));
        }

        return effects;
    }

    private ForwardSum? ForwardOf(PieceAccount piece) =>
        piece.Piece.Standby < 0 ? null : new ForwardSum(piece.Piece.Standby, next!.Value.View.Number, next.Value.Held);

    private List<ParameterServerEffect> Enter(PieceMeasured message)
    {
        if (!squares.TryGetValue(message.Step, out Dictionary<int, IReadOnlyList<double>>? known))
        {
            squares[message.Step] = known = [];
        }

        known[message.Offset] = message.Squares;
        return ApplyWhatIsMeasured();
    }

    /// <summary>When all pieces are measured, the global norm is known.</summary>
    private List<ParameterServerEffect> ApplyWhatIsMeasured()
    {
        if (!squares.TryGetValue(step, out Dictionary<int, IReadOnlyList<double>>? known) || known.Count < Arrangement.Pieces.Count)
        {
            return [];
        }

        double found = ParameterUpdater.Norm([.. Arrangement.Pieces.SelectMany(piece => known[piece.Offset])]);
        List<ParameterServerEffect> effects = [];
        foreach (PieceAccount piece in pieces.Where(piece => piece.Phase == PiecePhase.Measured))
        {
            piece.Phase = PiecePhase.Updating;
            effects.Add(new ApplyMeasured(
                Arrangement.Number, step, piece.Piece, found, piece.Ledger.GradientParts(), piece.Ledger.Totals(), ForwardOf(piece)));
        }

        return effects;
    }

    private StepCommitted CommitOf(bool held) =>
        new(step, totals, shape.LearningRate(step), norm, held, contributions ?? [], redealt.Entries, duplicates, active.Number, verified, pieces[0].Ledger.ShardsInVain + inVain);

    private List<ParameterServerEffect> Commit()
    {
        (View view, bool held) = next!.Value;
        List<ParameterServerEffect> effects = [];
        StepCommitted committed = CommitOf(held);
        step++;
        redealt.Clear();
        helped.Clear();
        (last, next, contributions, verified, norm, duplicates, inVain) = (next, null, null, 0, null, 0, 0);
        ForgetSquares();
        Array.ForEach(pieces, piece => piece.Clear());

        // Only the lead holds on request: no worker begins a step that the lead has not opened.
        phase = (IsLead ? held : HoldsBefore(step)) && continued < step ? Phase.Held : Phase.Open;
        active = view;
        if (IsLead)
        {
            if (phase == Phase.Open)
            {
                effects.Add(new OpenStep(new StepOpened(active.Number, step, []), Announced: !held));
            }

            told[committed.Step] = committed;
            effects.Add(new TellCoordinator(committed));
        }

        if (phase == Phase.Open)
        {
            effects.AddRange(HelpFromTheBeginning());
        }

        effects.AddRange(pendingCheckpoints.Where(pending => pending.Progress.Step == step).Select(Save));
        pendingCheckpoints.RemoveAll(pending => pending.Progress.Step <= step);
        if (phase == Phase.Open && IsLead && LostAnOwner())
        {
            effects.Add(ReopenInNewestView());
        }

        effects.AddRange(MergeTaken());
        SubtreeComputed[] due = [.. ahead.Where(result => result.Step <= step)];
        ahead.RemoveAll(due.Contains);
        effects.AddRange(due.SelectMany(Handle));
        return effects;
    }

    private void ForgetSquares()
    {
        while (squares.Count > 0 && squares.First().Key < step - 1)
        {
            squares.Remove(squares.First().Key);
        }
    }
}
