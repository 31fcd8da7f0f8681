using ActorMlp.Engine.Batches;
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
    private readonly SortedList<long, RunProgress> epochs = [];
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
        if (message.Step < step)
        {
            return [];
        }

        // A run that has come further went on from here too, and that word got lost.
        holdRequested &= message.Step > step;
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
            inVain += IsInVain(message) ? message.Node.ShardCount : 0;
            return [];
        }

        if (message.Verifies)
        {
            return Verify(piece, piece.Checks.Enter(message, piece.Ledger));
        }

        LedgerEntry entry = piece.Ledger.Enter(message);
        EnterHelp(message);
        switch (entry)
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

    /// <summary>A checkpoint is asked for: at once, or as soon as its step is committed.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(WriteCheckpoint message)
    {
        if (Arrangement.Number == 0)
        {
            // The run is stopped before it began: what stands is what it would have begun with.
            return [Save(message)];
        }

        ForgetBefore(told, message.KnownStep);
        ForgetBefore(epochs, message.KnownStep);
        if (phase != Phase.Acquiring && message.Kind == CheckpointKind.Last && shape.EndsEpoch(message.Progress.Step))
        {
            epochs[message.Progress.Step] = message.Progress;
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

        return [Save(message)];
    }

    /// <summary>The best epoch's weights are asked for; training is over.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RestoreBest message) => phase == Phase.Held ? [new LoadBest(message.Step)] : [];

    private bool HoldsBefore(long committed) => shape.HoldsAfter(committed) || committed >= shape.TotalSteps;

    private IReadOnlyList<ParameterServerEffect> Verify(PieceAccount piece, DuplicatesDiffer? difference) =>
        difference is null ? CompleteIfReady(piece) : [new TellCoordinator(difference)];

    /// <summary>A piece of which everything is counted, and verified as far as it can be, is updated.</summary>
    private IReadOnlyList<ParameterServerEffect> CompleteIfReady(PieceAccount piece) =>
        phase == Phase.Open && piece.Phase == PiecePhase.Collecting && piece.Ledger.IsComplete
        && piece.Checks.IsSettled(step, piece.Ledger, part => IsLead ? active : views.GetValueOrDefault(part.View), newest)
            ? Complete(piece)
            : [];

    private static void ForgetBefore<T>(SortedList<long, T> known, long step)
    {
        while (known.Count > 0 && known.GetKeyAtIndex(0) < step)
        {
            known.RemoveAt(0);
        }
    }

    private SaveCheckpoint Save(WriteCheckpoint wanted) => new(wanted.Kind, wanted.Progress, [.. pieces.Select(piece => piece.Piece)]);

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

        effects.AddRange(HelpFromTheBeginning());
        effects.AddRange(pieces.SelectMany(CompleteIfReady));
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
