using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>New views, and ranges that a server stands by for, or takes over when their server is lost.</content>
public sealed partial class ParameterServerMachine
{
    private StandbyRange? taken;

    /// <summary>
    /// A new view. In a new arrangement the server takes over its range; else the view stands at once if the step in flight lost one of its workers,
    /// or with the next step. If a server was lost, its standby goes on with what it holds.
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

        if (phase == Phase.Acquiring)
        {
            return [];
        }

        List<ParameterServerEffect> effects = [];
        if (!before.Arrangement.Pieces.SequenceEqual(Arrangement.Pieces))
        {
            effects.AddRange(FollowPieces());
            if (IsLead && before.Arrangement.Lead != self)
            {
                EnterRedealt(before);
            }
        }

        // A server that takes over needs what others have measured, and what was told before may have been lost.
        effects.AddRange(squares.SelectMany(known => known.Value
            .Where(measured => Find(measured.Key) is not null)
            .Select(measured => new TellServers(new PieceMeasured(Arrangement.Number, known.Key, measured.Key, measured.Value)))));
        effects.AddRange(Greet([.. newest.Ranges.Select(range => range.Worker).Where(worker => before.RangeOf(worker) is null)]));
        if (IsLead)
        {
            // Of what the coordinator does not know yet some may have been lost on its way.
            effects.AddRange(told.Values.Where(commit => commit.Step >= message.CommittedSteps).Select(commit => new TellCoordinator(commit)));
        }

        if (phase == Phase.Open && IsLead && LostAnOwner())
        {
            effects.Add(ReopenInNewestView());
        }

        // Who was asked to help may be gone.
        helped.Clear();
        if (phase == Phase.Open)
        {
            effects.AddRange(HelpFromTheBeginning());
        }

        // Whoever should have computed something for the second time may be gone.
        effects.AddRange(pieces.SelectMany(CompleteIfReady));
        return effects;
    }

    /// <summary>A completed gradient of a piece that this server stands by for.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(SumArrived message) =>
        Needs(message) && standby!.Enter(message) is { } apply ? [apply] : [];

    /// <summary>What the lead, for which this server stands by, is about to tell the coordinator.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(CommitForwarded message)
    {
        if (message.Arrangement == Arrangement.Number)
        {
            standby?.Enter(message);
        }

        return [];
    }

    /// <summary>A sum is applied: the piece's weights go to everybody but its server; they are its own affair if that server was lost meanwhile.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(SumApplied message)
    {
        if (message.Arrangement != Arrangement.Number || phase == Phase.Acquiring)
        {
            return [];
        }

        List<ParameterServerEffect> effects = [];
        if (message.Squares is { } measured)
        {
            effects.AddRange(Enter(new PieceMeasured(Arrangement.Number, message.Step, message.Offset, measured)));
        }

        StandbyRange? range = standby ?? taken;
        if (range is null)
        {
            return [.. effects, .. Handle(new UpdateApplied(message.Arrangement, message.Step, message.Report, message.Offset))];
        }

        if (range.Enter(message) is not { } piece)
        {
            return effects;
        }

        effects.AddRange(SendStandby(piece, message.Step + 1, range.Word!.View, range.Word.Held, null));
        IReadOnlyList<SumArrived> due = range.Advance(out StepCommitted? commit);
        if (commit is not null)
        {
            told[commit.Step] = commit;
        }

        if (range.Held && range.Step > message.Step && range == standby)
        {
            effects.Add(new KeepState(range.Step, range.Pieces));
        }

        effects.AddRange(due.SelectMany(Handle));
        effects.AddRange(MergeTaken());
        return effects;
    }

    /// <summary>What the server knows of the run, for a coordinator that takes it over.</summary>
    public ServerStanding Standing() => new(
        newest,
        continued,
        newest.Number > 0 && (phase != Phase.Acquiring || (pieces.Length == 0 && standby is null)),
        [.. told.Values],
        phase == Phase.Acquiring ? [] : [.. epochs.Values],
        [.. views.Values]);

    private List<ParameterServerEffect> Acquire()
    {
        phase = Phase.Acquiring;
        step = Arrangement.Step;
        pieces = [.. Arrangement.PiecesOf(self).Select(piece => new PieceAccount(piece, shape.Shards, verification))];
        ParameterPiece[] others = [.. Arrangement.StandbyPiecesOf(self)];
        (standby, taken) = (others.Length > 0 ? new StandbyRange(others, step) : null, null);
        squares.Clear();
        pendingCheckpoints.Clear();
        ahead.Clear();
        early.RemoveAll(measured => measured.Arrangement < Arrangement.Number);
        told.Clear();
        epochs.Clear();
        redealt.Clear();
        helped.Clear();
        foreach (int old in views.Keys.Where(number => number < Arrangement.Number).ToList())
        {
            views.Remove(old);
        }

        (next, last, contributions, norm, diverged, holdRequested, continued, duplicates, verified, inVain) = (null, null, null, null, null, false, -1, 0, 0, 0);
        return [new AcquireRange(Arrangement, [.. pieces.Select(piece => piece.Piece)], others)];
    }

    /// <summary>A server is gone: pieces that it stood by for have no standby now, and what this server stood by for may be its own.</summary>
    private List<ParameterServerEffect> FollowPieces()
    {
        List<ParameterServerEffect> effects = [];
        pieces = [.. pieces.Where(piece => Arrangement.Pieces.Any(one => one.Offset == piece.Piece.Offset && one.Server == self))];
        foreach (PieceAccount piece in pieces)
        {
            ParameterPiece now = Arrangement.Pieces.First(one => one.Offset == piece.Piece.Offset);
            bool lostStandby = piece.Piece.Standby >= 0 && now.Standby < 0;
            piece.Piece = now;
            if (lostStandby)
            {
                // Who has the weights already drops them.
                effects.AddRange(SendNewest(piece, null));
            }
        }

        if (standby is { } range && Arrangement.Pieces.First(one => one.Offset == range.Pieces[0].Offset).Server == self)
        {
            (standby, taken) = (null, range);
            effects.Add(new SendKeptStates(range.Pieces));
        }

        effects.AddRange(MergeTaken());
        return effects;
    }

    /// <summary>
    /// What was taken over becomes a part of this server's range, as soon as both are at the same step. Where this server was ahead it goes back by one, with
    /// its own pieces done: nobody could compute the later step, as it takes the weights that were missing. Only one worker that computes all by itself could
    /// bring a server further ahead; then nothing is merged, and the coordinator, who hears of no step any more, takes the run back.
    /// </summary>
    private List<ParameterServerEffect> MergeTaken()
    {
        if (taken is not { } range || (pieces.Length > 0 && (range.Step > step || range.Step < step - 1)))
        {
            return [];
        }

        taken = null;
        bool wasLead = pieces.Length > 0 && pieces[0].Piece.Offset == 0;
        if (pieces.Length == 0)
        {
            step = range.Step;
        }
        else if (range.Step < step)
        {
            // The step that was missing is open, as its gradients came. Of the one after it nothing is known: who follows does not hold where the lead was asked to.
            continued = Math.Max(continued, range.Step);
            phase = Phase.Open;
            step = range.Step;
            next = last;
            inVain = 0;
            helped.Clear();
            redealt.Clear();
            foreach (PieceAccount piece in pieces)
            {
                piece.Clear();
                piece.Phase = PiecePhase.Applied;
            }
        }

        PieceAccount[] added = [.. range.Pieces.Select(piece => new PieceAccount(
            Arrangement.Pieces.First(one => one.Offset == piece.Offset), shape.Shards, verification) { Phase = range.PhaseOf(piece.Offset) })];
        pieces = [.. pieces.Concat(added).OrderBy(piece => piece.Piece.Offset)];
        totals = range.Word is null ? totals : range.Totals;
        bool leads = IsLead && !wasLead;
        if (leads)
        {
            // The lead is gone: its word stands, as far as it was given. The view that it gave it in is not the newest: the next step opens anew.
            next = range.Word is { } word ? (new View(word.View, []), word.Held) : null;
            contributions = range.Announced?.Contributions;
            verified = range.Announced?.ShardsVerified ?? 0;
            redealt.Enter(range.Announced?.Redealt.Where(shards => shards.Reason == RedealReason.Late) ?? []);
        }

        if (pieces.Any(piece => piece.Phase != PiecePhase.Collecting))
        {
            DecideNext();
        }

        phase = IsLead ? leads ? range.Held && continued < step ? Phase.Held : Phase.Open : phase
            : HeldAsFollower() ? Phase.Held : Phase.Open;
        return leads && phase == Phase.Open ? Open() : [];

        bool HeldAsFollower() => (HoldsBefore(step) || step == Arrangement.Step) && continued < step;
    }

    private List<ParameterServerEffect> Greet(IReadOnlyList<WorkerId> newcomers)
    {
        if (newcomers.Count == 0)
        {
            return [];
        }

        List<ParameterServerEffect> effects = [.. pieces.SelectMany(piece => SendNewest(piece, newcomers))];
        if ((standby ?? taken) is { } range)
        {
            foreach (ParameterPiece piece in range.Pieces)
            {
                effects.AddRange(range.PhaseOf(piece.Offset) == PiecePhase.Applied
                    ? SendStandby(piece, range.Step + 1, range.Word!.View, range.Word.Held, newcomers)
                    : SendStandby(
                        piece,
                        range.Step,
                        range.Step == Arrangement.Step ? active.Number : range.View,
                        range.Held && continued < range.Step,
                        newcomers));
            }
        }

        return effects;
    }

    private IEnumerable<SendWeights> SendNewest(PieceAccount piece, IReadOnlyList<WorkerId>? to) => piece.Phase == PiecePhase.Applied
        ? Send(piece.Piece, step + 1, next!.Value.View.Number, next.Value.Held, to)
        : Send(piece.Piece, step, active.Number, phase == Phase.Held, to);

    /// <summary>Weights of an own piece: to everybody, or to this node's worker alone where a standby sends them to the others.</summary>
    private IEnumerable<SendWeights> Send(ParameterPiece piece, long committed, int view, bool held, IReadOnlyList<WorkerId>? to)
    {
        IReadOnlyList<WorkerId>? receivers = piece.Standby < 0 ? to : [.. (to ?? Workers).Where(worker => worker.Number == self)];
        return receivers is { Count: 0 }
            ? []
            : [new SendWeights(new WeightsArrived(Arrangement.Number, committed, piece.Offset, view, held), piece, receivers)];
    }

    private IEnumerable<SendWeights> SendStandby(ParameterPiece piece, long committed, int view, bool held, IReadOnlyList<WorkerId>? to)
    {
        WorkerId[] receivers = [.. (to ?? Workers).Where(worker => worker.Number != piece.Server)];
        return receivers.Length == 0
            ? []
            : [new SendWeights(new WeightsArrived(Arrangement.Number, committed, piece.Offset, view, held), piece, receivers)];
    }

    private WorkerId[] Workers => [.. newest.Ranges.Select(range => range.Worker)];
}
