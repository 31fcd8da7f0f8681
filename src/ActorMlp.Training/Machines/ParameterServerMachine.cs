using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// A parameter server, decided: for each piece of its range it counts every shard exactly once, has the update applied and sends the weights on, piece
/// by piece; when all its pieces are done, the step is committed. One server, the lead, says in which view the next step is computed and whether the
/// run holds before it; the others follow, as nothing comes to them while the lead holds. Results of older views are fenced off.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="self">This server's number.</param>
public sealed class ParameterServerMachine(RunShape shape, int self)
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

    private readonly Dictionary<int, IReadOnlyList<double>> squares = [];
    private readonly List<WriteCheckpoint> pendingCheckpoints = [];
    private readonly RedealBook redealt = new();
    private readonly VerificationPlan verification = new(shape);
    private readonly Dictionary<int, View> views = [];
    private PieceAccount[] pieces = [];
    private Phase phase = Phase.Acquiring;
    private View active = View.None;
    private View newest = View.None;
    private long step;
    private GradientTotals totals;
    private (View View, bool Held)? next;
    private double? norm;
    private int? diverged;
    private bool holdRequested;
    private long continuesAt = -1;
    private int duplicates;

    /// <summary>The step in flight, or the next one.</summary>
    public long Step => step;

    private Arrangement Arrangement => newest.Arrangement;

    private bool IsLead => Arrangement.Lead == self;

    /// <summary>Whether the server still needs what a result holds: it is of the step in flight, and its piece is not updated yet.</summary>
    public bool Needs(SubtreeComputed message) =>
        message.Step == step && Find(message.Offset) is { Phase: not PiecePhase.Applied };

    /// <summary>
    /// A new view. In a new arrangement the server takes over its range; else the view stands at once if the step in flight lost one of its workers,
    /// or with the next step.
    /// </summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ViewPublished message)
    {
        if (message.View.Number <= newest.Number)
        {
            return [];
        }

        View before = newest;
        newest = message.View;
        views[newest.Number] = newest;
        if (Arrangement.Number != before.Arrangement.Number)
        {
            return Acquire();
        }

        List<ParameterServerEffect> effects = Greet([.. newest.Ranges.Select(range => range.Worker).Where(worker => before.RangeOf(worker) is null)]);
        if (phase == Phase.Open && IsLead && LostAnOwner())
        {
            effects.Add(ReopenInNewestView());
        }

        // Whoever should have computed something for the second time may be gone.
        effects.AddRange(pieces.SelectMany(CompleteIfReady));
        return effects;
    }

    /// <summary>The range is there.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RangeAcquired message)
    {
        if (phase != Phase.Acquiring || message.Arrangement != Arrangement.Number || pieces.Length == 0)
        {
            return [];
        }

        phase = Phase.Held;
        active = newest;
        return [.. pieces.Select(piece => Send(piece, step, active, true, null)), new TellCoordinator(new RangeReady(self, Arrangement.Number))];
    }

    /// <summary>The coordinator lets the run go on.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ContinueTraining message)
    {
        if (message.Step > step && phase == Phase.Open)
        {
            // The lead was quicker: this server has the last pieces of the step before still to do.
            continuesAt = message.Step;
            return [];
        }

        if (message.Step != step || phase == Phase.Acquiring)
        {
            return [];
        }

        holdRequested = false;
        if (phase == Phase.Open)
        {
            return [];
        }

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

    /// <summary>The coordinator wants the run to hold after the step in flight.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(HoldTraining message)
    {
        _ = message;
        holdRequested = true;
        return [];
    }

    /// <summary>A result: counted, dropped, or the proof that some machine computes wrongly.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(SubtreeComputed message)
    {
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
        if (message.Arrangement != Arrangement.Number || message.Step != step || Find(message.Offset) is null)
        {
            return [];
        }

        var measured = new PieceMeasured(Arrangement.Number, step, message.Offset, message.Squares);
        return [new TellServers(measured), .. Handle(measured)];
    }

    /// <summary>A piece of some server is measured; with the last one the global norm is known.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(PieceMeasured message)
    {
        if (message.Step != step || message.Arrangement != Arrangement.Number || phase == Phase.Acquiring)
        {
            return [];
        }

        squares[message.Offset] = message.Squares;
        if (squares.Count < Arrangement.Pieces.Count)
        {
            return [];
        }

        double found = ParameterUpdater.Norm([.. Arrangement.Pieces.SelectMany(piece => squares[piece.Offset])]);
        squares.Clear();
        return [.. pieces.Select(piece => new ApplyMeasured(Arrangement.Number, step, piece.Piece, found))];
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

        next ??= (newest, holdRequested || HoldsBefore(step + 1));
        List<ParameterServerEffect> effects = [Send(piece, step + 1, next.Value.View, next.Value.Held, null)];
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

        if (phase == Phase.Acquiring || message.Progress.Step < step)
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

    private List<ParameterServerEffect> Acquire()
    {
        phase = Phase.Acquiring;
        step = Arrangement.Step;
        pieces = [.. Arrangement.PiecesOf(self).Select(piece => new PieceAccount(piece, shape.Shards, verification))];
        foreach (int old in views.Keys.Where(number => number < Arrangement.Number).ToList())
        {
            views.Remove(old);
        }

        squares.Clear();
        pendingCheckpoints.Clear();
        redealt.Clear();
        (next, norm, diverged, holdRequested, continuesAt, duplicates) = (null, null, null, false, -1, 0);
        return [new AcquireRange(Arrangement, [.. pieces.Select(piece => piece.Piece)])];
    }

    private List<ParameterServerEffect> Greet(IReadOnlyList<WorkerId> newcomers) => phase == Phase.Acquiring || newcomers.Count == 0
        ? []
        : [
            .. from piece in pieces
               let applied = piece.Phase == PiecePhase.Applied
               select applied
                   ? Send(piece, step + 1, next!.Value.View, next.Value.Held, newcomers)
                   : Send(piece, step, active, phase == Phase.Held, newcomers),
        ];

    private SendWeights Send(PieceAccount piece, long committed, View view, bool held, IReadOnlyList<WorkerId>? to) =>
        new(new WeightsArrived(Arrangement.Number, committed, piece.Piece.Offset, view.Number, held), piece.Piece, to);

    private ParameterServerEffect[] Complete(PieceAccount piece)
    {
        piece.Phase = PiecePhase.Updating;
        totals = piece.Ledger.Totals();
        GradientPart[] parts = piece.Ledger.GradientParts();

        // A piece that is the whole vector has its norm to itself.
        return shape.ClipsNorm && Arrangement.Pieces.Count > 1
            ? [new MeasureUpdate(Arrangement.Number, step, piece.Piece, parts, totals)]
            : [new ApplyUpdate(Arrangement.Number, step, piece.Piece, parts, totals)];
    }

    private List<ParameterServerEffect> Commit()
    {
        (View view, bool held) = next!.Value;
        List<ParameterServerEffect> effects = [];
        var committed = new StepCommitted(
            step, totals, shape.LearningRate(step), norm, held, Contributions(), redealt.Take(), duplicates, active.Number, pieces[0].Checks.ShardsVerified);
        step++;
        (next, norm, duplicates) = (null, null, 0);
        squares.Clear();
        Array.ForEach(pieces, piece => piece.Clear());

        // Only the lead holds on request: no worker begins a step that the lead has not opened.
        phase = (IsLead ? held : HoldsBefore(step) && continuesAt != step) ? Phase.Held : Phase.Open;
        active = view;
        if (IsLead)
        {
            if (!held)
            {
                effects.Add(new OpenStep(new StepOpened(active.Number, step, []), Announced: true));
            }

            effects.Add(new TellCoordinator(committed));
        }

        effects.AddRange(pendingCheckpoints.Where(pending => pending.Progress.Step == step)
            .Select(pending => new SaveCheckpoint(pending.Kind, pending.Progress)));
        pendingCheckpoints.RemoveAll(pending => pending.Progress.Step <= step);
        if (phase == Phase.Open && IsLead && LostAnOwner())
        {
            effects.Add(ReopenInNewestView());
        }

        return effects;
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
        for (int shard = 0; shard < shape.Shards; shard++)
        {
            if (!Has(shard) && active.OwnerOf(shard) is { } owner && newest.OwnerOf(shard) != owner)
            {
                redealt.Enter(owner.Number, shard, newest.RangeOf(owner) is null ? RedealReason.Lost : RedealReason.Moved);
            }
        }

        active = newest;
        return new OpenStep(
            new StepOpened(active.Number, step, Arrangement.Pieces.Count == 1 ? pieces[0].Ledger.Present : []), Announced: false);
    }

    private IReadOnlyList<CountedSubtree> Contributions() =>
        CountedSubtree.Merge(pieces[0].Ledger.Parts.Select(part => new CountedSubtree(part.Worker.Number, part.Node)));
}
