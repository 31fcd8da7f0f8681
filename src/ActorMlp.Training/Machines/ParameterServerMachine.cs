using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// A parameter server, decided: for each piece of its range it counts every shard exactly once, has the update applied and sends the weights on, piece
/// by piece; when all its pieces are done, the step is committed. One server, the lead, says in which view the next step is computed and whether the
/// run holds before it; the others follow, as nothing comes to them while the lead holds. Results of older views are fenced off. Where a piece has a standby,
/// the completed gradient goes there too, and the standby sends the weights to everybody else.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="self">This server's number.</param>
public sealed partial class ParameterServerMachine(RunShape shape, int self)
{
    private enum Phase
    {
        /// <summary>Its range is on its way, or it has none.</summary>
        Acquiring,

        /// <summary>The coordinator is to say that the next step begins.</summary>
        Held,

        /// <summary>A step is in flight.</summary>
        Open,
    }

    private readonly SortedDictionary<long, Dictionary<int, IReadOnlyList<double>>> squares = [];
    private readonly List<WriteCheckpoint> pendingCheckpoints = [];
    private readonly List<SubtreeComputed> ahead = [];
    private readonly List<PieceMeasured> early = [];
    private readonly SortedList<long, StepCommitted> told = [];
    private readonly RedealBook redealt = new();
    private readonly VerificationPlan verification = new(shape);
    private readonly Dictionary<int, View> views = [];
    private PieceAccount[] pieces = [];
    private StandbyRange? standby;
    private Phase phase = Phase.Acquiring;
    private View active = View.None;
    private View newest = View.None;
    private long step;
    private GradientTotals totals;
    private (View View, bool Held)? next;
    private (View View, bool Held)? last;
    private IReadOnlyList<CountedSubtree>? contributions;
    private double? norm;
    private int? diverged;
    private bool holdRequested;
    private long continued = -1;
    private int duplicates;
    private int verified;

    /// <summary>The step in flight, or the next one.</summary>
    public long Step => step;

    /// <summary>Steps committed in what this server holds of a range: its own, or the one that it stands by for.</summary>
    /// <param name="offset">Where the range begins.</param>
    public long StepOf(int offset) => (standby ?? taken) is { } range && range.Has(offset) ? range.Step : Find(offset) is null ? -1 : step;

    private Arrangement Arrangement => newest.Arrangement;

    private bool IsLead => Arrangement.Lead == self;

    /// <summary>Whether the server still needs what a result holds: it is of the step in flight, and its piece is not updated yet, or of the next one.</summary>
    public bool Needs(SubtreeComputed message) =>
        message.Step == step ? Find(message.Offset) is { Phase: not PiecePhase.Applied } : IsAhead(message);

    /// <summary>Whether the server still needs what a sum holds.</summary>
    public bool Needs(SumArrived message) =>
        message.Arrangement == Arrangement.Number && phase != Phase.Acquiring && standby is { } range && range.Needs(message);

    /// <summary>The range is there, and what the server stands by for.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RangeAcquired message)
    {
        if (phase != Phase.Acquiring || message.Arrangement != Arrangement.Number || (pieces.Length == 0 && standby is null))
        {
            return [];
        }

        phase = Phase.Held;
        active = newest;
        PieceMeasured[] due = [.. early];
        early.Clear();
        return
        [
            .. due.SelectMany(Handle),
            .. pieces.SelectMany(piece => Send(piece.Piece, step, active.Number, true, null)),
            .. standby?.Pieces.SelectMany(piece => SendStandby(piece, step, active.Number, true, null)) ?? [],
            new TellCoordinator(new RangeReady(self, Arrangement.Number)),
        ];
    }

    /// <summary>The coordinator lets the run go on.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ContinueTraining message)
    {
        if (phase == Phase.Acquiring || message.View < newest.Number)
        {
            return [];
        }

        // The lead may have been quicker: then this server has the last pieces of the step before still to do.
        continued = Math.Max(continued, message.Step);
        if (message.Step != step)
        {
            return [];
        }

        holdRequested = false;
        return phase == Phase.Open ? [] : Open();
    }

    /// <summary>The coordinator wants the run to hold after the step in flight.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(HoldTraining message)
    {
        holdRequested |= message.View >= newest.Number;
        return [];
    }

    /// <summary>A result: counted, dropped, or the proof that some machine computes wrongly.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(SubtreeComputed message)
    {
        if (phase != Phase.Acquiring && message.View >= Arrangement.Number && IsAhead(message))
        {
            // The standby was quicker than this server's own engine, and a worker quicker still.
            ahead.Add(message);
            return [];
        }

        if (message.Step != step
            || message.View < (IsLead ? active.Number : Arrangement.Number)
            || phase == Phase.Acquiring
            || Find(message.Offset) is not { Phase: PiecePhase.Collecting } piece)
        {
            duplicates++;
            return [];
        }

        if (message.Verifies)
        {
            return Verify(piece, piece.Checks.Enter(message, piece.Ledger));
        }

        switch (piece.Ledger.Enter(message))
        {
            case LedgerEntry.Duplicate:
                duplicates++;
                return verification.Includes(step, message.Node) ? Verify(piece, piece.Checks.Enter(message, piece.Ledger)) : [];
            case LedgerEntry.Differs:
                WorkerId first = piece.Ledger.Parts.First(part => part.Node == message.Node).Worker;
                return [new TellCoordinator(new DuplicatesDiffer(step, message.Node, first, message.Worker))];
            default:
                return Verify(piece, piece.Checks.EnterCounted(message));
        }
    }

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

    /// <summary>A checkpoint is asked for: at once, or as soon as its step is committed.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(WriteCheckpoint message)
    {
        if (Arrangement.Number == 0)
        {
            // The run is stopped before it began: what stands is what it would have begun with.
            return [new SaveCheckpoint(message.Kind, message.Progress)];
        }

        while (told.Count > 0 && told.GetKeyAtIndex(0) < message.KnownStep)
        {
            told.RemoveAt(0);
        }

        if (phase == Phase.Acquiring || message.Progress.Step < step || pieces.Length == 0)
        {
            return [];
        }

        if (message.Progress.Step > step || pieces.Any(piece => piece.Phase != PiecePhase.Collecting))
        {
            pendingCheckpoints.Add(message);
            return [];
        }

        return [new SaveCheckpoint(message.Kind, message.Progress)];
    }

    /// <summary>The best epoch's weights are asked for; training is over.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RestoreBest message)
    {
        _ = message;
        return phase == Phase.Held ? [new LoadBest()] : [];
    }

    private bool HoldsBefore(long committed) => shape.HoldsAfter(committed) || committed >= shape.TotalSteps;

    private IReadOnlyList<ParameterServerEffect> Verify(PieceAccount piece, DuplicatesDiffer? difference) =>
        difference is null ? CompleteIfReady(piece) : [new TellCoordinator(difference)];

    /// <summary>A piece of which everything is counted, and verified as far as it can be, is updated.</summary>
    private IReadOnlyList<ParameterServerEffect> CompleteIfReady(PieceAccount piece) =>
        phase == Phase.Open && piece.Phase == PiecePhase.Collecting && piece.Ledger.IsComplete
        && piece.Checks.IsSettled(step, piece.Ledger, part => IsLead ? active : views[part.View], newest)
            ? Complete(piece)
            : [];

    private PieceAccount? Find(int offset) => Array.Find(pieces, piece => piece.Piece.Offset == offset);

    private bool IsAhead(SubtreeComputed message) =>
        message.Step == step + 1 && (Find(message.Offset) is not null || taken?.Has(message.Offset) == true);

    private void DecideNext() => next ??= (newest, holdRequested || HoldsBefore(step + 1));

    private List<ParameterServerEffect> Open()
    {
        phase = Phase.Open;
        active = newest;
        List<ParameterServerEffect> effects = [];
        if (IsLead)
        {
            effects.Add(new OpenStep(new StepOpened(active.Number, step, []), Announced: false));
        }

        effects.AddRange(pieces.SelectMany(CompleteIfReady));
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
        new(step, totals, shape.LearningRate(step), norm, held, contributions ?? [], redealt.Entries, duplicates, active.Number, verified);

    private List<ParameterServerEffect> Commit()
    {
        (View view, bool held) = next!.Value;
        List<ParameterServerEffect> effects = [];
        StepCommitted committed = CommitOf(held);
        step++;
        redealt.Clear();
        (last, next, contributions, verified, norm, duplicates) = (next, null, null, 0, null, 0);
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

        effects.AddRange(pendingCheckpoints.Where(pending => pending.Progress.Step == step)
            .Select(pending => new SaveCheckpoint(pending.Kind, pending.Progress)));
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

    private bool LostAnOwner()
    {
        for (int shard = 0; shard < shape.Shards; shard++)
        {
            if (!Has(shard) && (active.OwnerOf(shard) is not { } owner || newest.RangeOf(owner) is null))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether every piece has a shard, as far as this server can tell: others may lack it, so with several servers nothing is taken for certain.</summary>
    private bool Has(int shard) =>
        Arrangement.Pieces.Count == pieces.Length && pieces.All(piece => piece.Phase != PiecePhase.Collecting || piece.Ledger.Has(shard));

    private OpenStep ReopenInNewestView()
    {
        EnterRedealt(active);
        active = newest;
        return new OpenStep(
            new StepOpened(active.Number, step, Arrangement.Pieces.Count == 1 ? pieces[0].Ledger.Present : []), Announced: false);
    }

    private void EnterRedealt(View before)
    {
        for (int shard = 0; shard < shape.Shards; shard++)
        {
            if (!Has(shard) && before.OwnerOf(shard) is { } owner && newest.OwnerOf(shard) != owner)
            {
                redealt.Enter(owner.Number, shard, newest.RangeOf(owner) is null ? RedealReason.Lost : RedealReason.Moved);
            }
        }
    }
}
