using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// Whoever keeps a run, decided: what parameter servers begin with, which state becomes a checkpoint and when, whom the run is offered to when a coordinator is lost or moves, and how it ends.
/// The vectors and the disk are with whoever carries this out.
/// </summary>
public sealed partial class KeeperMachine
{
    private readonly SortedDictionary<long, StateAccount> states = [];
    private readonly HashSet<int> bestSentTo = [];
    private readonly ToldSteps told;
    private readonly RunShape shape;
    private readonly StateShape state;
    private readonly AwaitedCheckpoints awaited;
    private View view = View.None;
    private CheckpointFailed? failed;
    private long? restoresBest;
    private int restoration;
    private int supplied;
    private long stepTold;
    private long epochTold;
    private bool hasBest;

    /// <summary>The keeper of a run that is not submitted yet.</summary>
    /// <param name="shape">The run in numbers.</param>
    /// <param name="state">What its state is made of.</param>
    /// <param name="start">The checkpoint that it goes on from, or its start: that state is here.</param>
    /// <param name="shares">Workers that a run that is made of shares was begun with; null for one that begins, and for others.</param>
    /// <param name="name">The keeper's name, for the user.</param>
    /// <param name="contacts">Nodes to submit it to.</param>
    public KeeperMachine(RunShape shape, StateShape state, RunProgress start, int? shares, string name, IReadOnlyList<string> contacts)
    {
        (this.shape, this.state, this.name, Saved, Shares) = (shape, state, name, start, shares);
        this.contacts = [.. contacts];
        told = new ToldSteps(shape.Shards, start);
        (stepTold, epochTold) = (start.Step, start.Step);
        awaited = new AwaitedCheckpoints(shape.StepsPerEpoch, bestWaitsForLast: shape.Sharing is not null);
        states[start.Step] = new StateAccount(0);
    }

    /// <summary>The newest checkpoint that is written, or about to be: where a run that is submitted anew begins.</summary>
    public RunProgress Saved { get; private set; }

    /// <summary>The newest progress that was told; the state to it may still be on its way.</summary>
    public RunProgress Newest =>
        awaited.All.Where(wanted => wanted.Kind == CheckpointKind.Last).Select(wanted => wanted.Progress).Append(Saved).MaxBy(progress => progress.Step)!;

    /// <summary>Workers that a run that is made of shares was begun with; null before that, and in other runs.</summary>
    public int? Shares { get; private set; }

    /// <summary>The newest view that the keeper was told of, by whichever coordinator: the next one's are newer.</summary>
    public int LastView { get; private set; }

    /// <summary>Whether a checkpoint could not be written: from then on none is, and the run ends as soon as its coordinator hears of it.</summary>
    public bool HasFailed => failed is not null;

    /// <summary>Whether a part of a state is to be put into its place: it is of the arrangement that stands, and the state is not whole.</summary>
    public bool Takes(StateArrived message) => message.Arrangement == view.Arrangement.Number && !IsWhole(message.Step);

    /// <summary>Whether the best epoch's weights are still wanted.</summary>
    public bool Takes(BestLoaded message) => message.Restoration == restoration;

    /// <summary>A view: its workers get the best epoch's weights, if the run is tested with those.</summary>
    public IReadOnlyList<KeeperEffect> Handle(ViewPublished message)
    {
        view = message.View;
        LastView = Math.Max(LastView, view.Number);

        // The coordinator that was to hear of a failure may be gone.
        return failed is null ? SendBest() : [.. SendBest(), new AnswerCoordinator(failed)];
    }

    /// <summary>A view that another coordinator, which is gone, had not told of.</summary>
    public void Handle(ViewStands message) => LastView = Math.Max(LastView, message.View.Number);

    /// <summary>
    /// Parameter servers get weights and optimizer state, and workers what their subtrees owe. From the arrangement's step on everything comes anew: states of which parts are missing will not
    /// be completed by the servers of before, and checkpoints that wait for them are asked for again. Whole states stay, as the steps that lead there give the same bits. A state that is older than
    /// the newest that is whole is not given: the coordinator hears of the newer, and arranges anew.
    /// </summary>
    public IReadOnlyList<KeeperEffect> Handle(RangesWanted message)
    {
        Arrangement arrangement = message.Arrangement;
        if (arrangement.Number != view.Arrangement.Number || arrangement.Number == supplied)
        {
            // Without the view who owes what is not known, nor what may arrive: the coordinator says both again. What it has said again comes too late for an arrangement that is under way.
            return [];
        }

        if (arrangement.Step < Saved.Step)
        {
            // The coordinator has not heard of the newer one, which alone counts: the ledger, or the log of updates, is not to end before a checkpoint.
            return [new AnswerCoordinator(new StateKept(Saved))];
        }

        List<KeeperEffect> effects = [.. arrangement.Shares > 0 ? BeginShares(arrangement) : []];

        if (!IsWhole(arrangement.Step))
        {
            return GiveUp($"the state of step {arrangement.Step} is asked for, and is not here");
        }

        supplied = arrangement.Number;
        effects.AddRange(ForgetWhatWasUnderWay());
        int firstResidual = state.ServerVectors(Shares);
        int end = arrangement.Step == 0 ? firstResidual : firstResidual + state.Residuals;
        for (int vector = 0; vector < end; vector++)
        {
            foreach (ParameterPiece piece in arrangement.Pieces)
            {
                int[] receivers = vector < firstResidual
                    ? [piece.Server, piece.Standby]
                    : [view.OwnerOf((vector - firstResidual) * shape.ShardsDealtTogether)?.Number ?? -1];
                effects.AddRange(receivers.Where(to => to >= 0).Select(to => new SupplyState(to, arrangement.Number, arrangement.Step, vector, piece)));
            }
        }

        return effects;
    }

    /// <summary>A step is committed. A coordinator that took the run over tells again of those since the newest checkpoint.</summary>
    /// <returns>Whether it is told of for the first time.</returns>
    public bool Handle(StepCommittedEvent message)
    {
        if (shape.Sharing is null)
        {
            told.Enter(message);
        }

        bool isNew = message.Metrics.Step > stepTold;
        stepTold = Math.Max(stepTold, message.Metrics.Step);
        return isNew;
    }

    /// <summary>An epoch is completed. A coordinator that took the run over tells again of one whose end it is not known to have told of.</summary>
    /// <returns>Whether it is told of for the first time.</returns>
    public bool Handle(EpochCompleted message)
    {
        bool isNew = message.Metrics.Step > epochTold;
        epochTold = Math.Max(epochTold, message.Metrics.Step);
        return isNew;
    }

    /// <summary>The run went back to the newest checkpoint.</summary>
    public void Handle(RunRewound message)
    {
        told.GoBackTo(message.Step);
        (stepTold, epochTold) = (message.Step, message.Step);
    }

    /// <summary>A checkpoint is asked for; its state comes from the parameter servers.</summary>
    public IReadOnlyList<KeeperEffect> Handle(WriteCheckpoint message)
    {
        awaited.Add(message with { Progress = told.Counted(message.Progress) });
        return SaveWhatIsWhole();
    }

    /// <summary>A part of a state is in its place.</summary>
    public IReadOnlyList<KeeperEffect> Handle(StateArrived message)
    {
        if (!Takes(message))
        {
            return [];
        }

        if (!states.TryGetValue(message.Step, out StateAccount? arriving))
        {
            states[message.Step] = arriving = new StateAccount((long)state.Length * (state.ServerVectors(Shares) + state.Residuals));
        }

        arriving.Enter(message);
        return SaveWhatIsWhole();
    }

    /// <summary>A checkpoint could not be written. The coordinator ends the run; one that is lost meanwhile leaves that to the next.</summary>
    public IReadOnlyList<KeeperEffect> Handle(CheckpointFailed message)
    {
        failed = message;
        return [new AnswerCoordinator(message)];
    }

    /// <summary>The run is tested with the best epoch's weights, and ends with them.</summary>
    public IReadOnlyList<KeeperEffect> Handle(RestoreBest message)
    {
        restoresBest = message.Step;
        return RestoreBestWhenSaved();
    }

    /// <summary>The best epoch's weights are read: they go to the workers before the coordinator hears of it.</summary>
    public IReadOnlyList<KeeperEffect> Handle(BestLoaded message)
    {
        if (!Takes(message))
        {
            return [];
        }

        hasBest = true;
        bestSentTo.Clear();
        return [.. SendBest(), new ConfirmBest(Saved.Step)];
    }

    /// <summary>The best epoch's weights are not there: the run cannot end with them.</summary>
    public IReadOnlyList<KeeperEffect> Handle(BestMissing message) => message.Restoration == restoration ? GiveUp(message.Reason) : [];

    private bool IsWhole(long step) => states.TryGetValue(step, out StateAccount? found) && found.IsWhole;

    private List<KeeperEffect> SaveWhatIsWhole()
    {
        List<KeeperEffect> effects = [];
        foreach (WriteCheckpoint wanted in awaited.TakeDue(IsWhole))
        {
            effects.AddRange(LogUpTo(wanted.Progress.Step));
            effects.Add(new WriteState(wanted.Kind, wanted.Progress));
            if (wanted.Kind == CheckpointKind.Last)
            {
                Saved = wanted.Progress;
                told.ForgetBefore(Saved.Step);
                effects.Add(new AnswerCoordinator(new StateKept(Saved)));
                effects.AddRange(Drop([.. states.Keys.Where(step => step < Saved.Step && !awaited.All.Any(one => one.Progress.Step == step))]));
            }
        }

        effects.AddRange(RestoreBestWhenSaved());
        return effects;
    }

    /// <summary>Reads the best checkpoint, once every checkpoint that was asked for is on its way to the disk.</summary>
    private ReadBest[] RestoreBestWhenSaved()
    {
        if (restoresBest is not { } step || !awaited.IsEmpty)
        {
            return [];
        }

        restoresBest = null;
        return [new ReadBest(step, restoration)];
    }

    /// <summary>What the run is tested with, for each worker of the view that was not given it. Nodes that come back have other numbers.</summary>
    private SendBest[] SendBest() => hasBest
        ?
        [
            .. from range in view.Ranges
               where bestSentTo.Add(range.Worker.Number)
               from piece in view.Arrangement.Pieces
               select new SendBest(
                   range.Worker.Number,
                   new WeightsArrived(view.Arrangement.Number, shape.TotalSteps + 1, piece.Offset, view.Number, Held: true),
                   piece),
        ]
        : [];

    private List<DropState> ForgetWhatWasUnderWay()
    {
        awaited.Begin(Saved);
        restoration++;
        (hasBest, restoresBest) = (false, null);
        return Drop([.. states.Keys.Where(step => !IsWhole(step))]);
    }

    private List<DropState> Drop(IReadOnlyList<long> steps)
    {
        foreach (long step in steps)
        {
            states.Remove(step);
        }

        return [.. steps.Select(step => new DropState(step))];
    }
}
