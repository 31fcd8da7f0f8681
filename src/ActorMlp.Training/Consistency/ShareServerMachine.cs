using ActorMlp.Engine.Batches;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// The parameter server of a run whose workers do not compute one sum together, decided; what the modes have in common. To the coordinator it is like any other: steps are committed
/// one after the other, and where the run holds (to evaluate, to write a checkpoint, to stop) all shares have come to the same step, every update is applied and none is
/// under way. A share whose worker is lost is computed by another until the worker is back. Where workers have copies of the weights of their own, they get the weights to evaluate with
/// whenever the run holds.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="plan">The shares.</param>
/// <param name="step">Steps committed so far.</param>
/// <param name="updates">Updates applied so far.</param>
public abstract class ShareServerMachine(RunShape shape, SharePlan plan, long step, long updates)
{
    private enum Phase
    {
        /// <summary>No view stands yet.</summary>
        Waiting,

        /// <summary>The coordinator is to say that the run goes on.</summary>
        Held,

        /// <summary>Shares are computed.</summary>
        Open,

        /// <summary>The weights are no longer finite.</summary>
        Ended,
    }

    private readonly SortedDictionary<int, WorkerId> workers = [];
    private readonly SortedDictionary<long, StepAccount> accounts = [];
    private readonly Queue<long> clocksOfUpdates = [];
    private View view = View.None;
    private Phase phase = Phase.Waiting;
    private long tickets;
    private readonly List<RedealtShards> redealt = [];
    private readonly List<StepCommitted> told = [];
    private int dropped;

    /// <summary>Steps committed.</summary>
    public long Committed { get; private set; } = step;

    /// <summary>Updates asked for.</summary>
    public long Sequence { get; private set; } = updates;

    /// <summary>Updates applied.</summary>
    protected long Applied { get; private set; } = updates;

    /// <summary>The step before which the run holds: no share of it, or of a later one, is begun.</summary>
    protected long Limit { get; private set; } = step;

    /// <summary>The shares.</summary>
    protected SharePlan Plan => plan;

    /// <summary>The run in numbers.</summary>
    protected RunShape Shape => shape;

    /// <summary>Where the shares stand.</summary>
    private protected ShareAccount[] Shares { get; } = [.. Enumerable.Range(0, plan.Shares).Select(share => new ShareAccount(share) { Clock = step })];

    /// <summary>A view: shares of workers that are gone are computed by others.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ViewPublished message)
    {
        if (message.View.Number <= view.Number)
        {
            return [];
        }

        View before = view;
        view = message.View;
        workers.Clear();
        foreach (ShardRange range in view.Ranges)
        {
            workers[range.Worker.Number] = range.Worker;
        }

        foreach (ShareAccount share in Shares)
        {
            if (share.Busy is { } worker && view.RangeOf(worker) is null)
            {
                share.Busy = null;
                redealt.Add(new RedealtShards(worker.Number, plan.FirstShard(share.Number), plan.ShardsOf(share.Number), RedealReason.Lost));
            }
        }

        if (before.Number == 0)
        {
            phase = Phase.Held;
            return [Ready(), .. SendWeights(null)];
        }

        // Of what the coordinator does not know yet some may have been lost on its way; of a message that it has it makes nothing.
        List<ParameterServerEffect> effects = phase == Phase.Held && told.Count == 0 ? [Ready()] : [];
        effects.AddRange(told.Where(commit => commit.Step >= message.CommittedSteps).Select(commit => new TellCoordinator(commit)));
        WorkerId[] newcomers = [.. view.Ranges.Select(range => range.Worker).Where(worker => before.RangeOf(worker) is null)];
        effects.AddRange(phase == Phase.Held && newcomers.Length > 0 ? SendWeights(newcomers) : []);
        return [.. effects, .. Continue()];
    }

    /// <summary>The coordinator lets the run go on.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ContinueTraining message)
    {
        if (phase != Phase.Held || message.Step != Committed)
        {
            return [];
        }

        phase = Phase.Open;
        Limit = NextHold(Committed);
        told.Clear();
        return Continue();
    }

    /// <summary>The coordinator wants the run to hold as soon as all shares can come to one step.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(HoldTraining message)
    {
        _ = message;
        if (phase == Phase.Open)
        {
            Limit = Math.Min(Limit, EarliestHold());
        }

        return [];
    }

    /// <summary>Whether a result is of the newest order of its share: only then may what was computed take the place of what is there.</summary>
    public bool Needs(ShareComputed message)
    {
        ShareAccount share = Shares[message.Work.Share];
        return phase != Phase.Ended && message.Work.Arrangement == view.Arrangement.Number && share.Busy == message.Worker && share.Ticket == message.Work.Ticket;
    }

    /// <summary>A share is computed: taken in, or dropped as void.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ShareComputed message)
    {
        if (!Needs(message))
        {
            dropped++;
            return [];
        }

        ShareAccount share = Shares[message.Work.Share];
        (share.Busy, share.LastWorker) = (null, message.Worker.Number);
        int last = message.Totals.Count - 1;
        if (message.NonFiniteLayer is { } layer || !double.IsFinite(message.Totals[last].LossSum))
        {
            return Diverge(message.Work.Clock + last, message.NonFiniteLayer ?? shape.Layers - 1, message.Totals[last]);
        }

        var effects = new List<ParameterServerEffect>();
        if (phase == Phase.Open && IsWanted(share, message.Work))
        {
            var part = new UpdatePart(share.Number, message.Worker.Number, plan.FirstShard(share.Number), plan.EndShard(share.Number));
            for (int i = 0; i <= last; i++)
            {
                if (plan.RowsOf(message.Work.Clock + i, share.Number) > 0)
                {
                    Account(message.Work.Clock + i).Enter(part, message.Totals[i]);
                }
            }

            Take(share, message.Work, effects);
        }
        else
        {
            dropped++;
        }

        effects.AddRange(Continue());
        return effects;
    }

    /// <summary>An update is applied: steps that have all of theirs are committed.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ShareUpdateApplied message)
    {
        if (phase == Phase.Ended || message.Sequence != Applied)
        {
            return [];
        }

        Applied++;
        StepAccount account = Account(clocksOfUpdates.Dequeue());
        if (message.Report.NonFiniteLayer is { } layer)
        {
            return Diverge(account.Clock, layer, account.Total());
        }

        account.Norm = message.Report.GradientNorm is { } norm ? Math.Max(norm, account.Norm ?? norm) : account.Norm;
        return Continue();
    }

    /// <summary>A checkpoint is asked for; the run holds, or has not begun.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(WriteCheckpoint message) =>
        phase is Phase.Waiting || (phase == Phase.Held && message.Progress.Step == Committed) ? [new SaveCheckpoint(message.Kind, message.Progress, [])] : [];

    /// <summary>The best epoch's weights are asked for; training is over.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RestoreBest message)
    {
        _ = message;
        return phase == Phase.Held ? [new LoadBest(message.Step)] : [];
    }

    /// <summary>The next step, after <paramref name="committed"/>, before which the run holds of itself.</summary>
    protected virtual long NextHold(long committed)
    {
        long next = committed + 1;
        while (!shape.HoldsAfter(next) && next < shape.TotalSteps)
        {
            next++;
        }

        return next;
    }

    /// <summary>The first step before which the run can hold, as far as it has come.</summary>
    protected abstract long EarliestHold();

    /// <summary>Whether a result counts; if not it is dropped, and its worker gets other work.</summary>
    private protected abstract bool IsWanted(ShareAccount share, ShareWork work);

    /// <summary>Takes in a result.</summary>
    private protected abstract void Take(ShareAccount share, ShareWork work, List<ParameterServerEffect> effects);

    /// <summary>Gives idle shares what they may compute.</summary>
    private protected abstract void Grant(List<ParameterServerEffect> effects);

    /// <summary>Whether a step has all that it waits for, and its updates are applied.</summary>
    private protected abstract bool IsDone(long clock);

    /// <summary>Has a share computed, if anybody is there to do it.</summary>
    private protected void Grant(ShareAccount share, long clock, int steps, List<ParameterServerEffect> effects)
    {
        if (workers.Count == 0)
        {
            return;
        }

        WorkerId worker = WorkerOf(share.Number);
        (share.Busy, share.Ticket) = (worker, ++tickets);
        effects.Add(new GrantShare(worker, new ShareWork(share.Number, share.Ticket, clock, Sequence, steps, view.Arrangement.Number)));
    }

    /// <summary>The next update, which takes in shares of a step.</summary>
    private protected UpdateRecord NextUpdate(long clock, long version, IReadOnlyList<UpdatePart> parts)
    {
        clocksOfUpdates.Enqueue(clock);
        Account(clock).Updates = Sequence + 1;
        return new UpdateRecord(Sequence++, clock, version, parts);
    }

    /// <summary>The account of a step that is not committed.</summary>
    private protected StepAccount Account(long clock)
    {
        if (!accounts.TryGetValue(clock, out StepAccount? account))
        {
            accounts[clock] = account = new StepAccount(clock);
        }

        return account;
    }

    /// <summary>Whether every update that takes in a step's shares is applied.</summary>
    private protected bool IsApplied(long clock) => !accounts.TryGetValue(clock, out StepAccount? account) || account.Updates <= Applied;

    private List<ParameterServerEffect> Continue()
    {
        var effects = new List<ParameterServerEffect>();
        if (phase != Phase.Open)
        {
            return effects;
        }

        Grant(effects);
        while (phase == Phase.Open && IsDone(Committed))
        {
            StepCommitted commit = Commit();
            told.Add(commit);
            effects.Add(new TellCoordinator(commit));
            effects.AddRange(commit.Held ? SendWeights(null) : []);
        }

        return effects;
    }

    /// <summary>Who computes a share: its own worker, or where that is lost one without a share of its own, if there is any.</summary>
    private WorkerId WorkerOf(int share)
    {
        if (workers.TryGetValue(share, out WorkerId own))
        {
            return own;
        }

        WorkerId[] free = [.. workers.Values.Where(worker => worker.Number >= plan.Shares)];
        return free.Length > 0 ? free[share % free.Length] : workers.Values.ElementAt(share % workers.Count);
    }

    private TellCoordinator Ready() => new(new RangeReady(Math.Max(0, view.Arrangement.Lead), view.Arrangement.Number));

    private IEnumerable<SendWeights> SendWeights(IReadOnlyList<WorkerId>? to) => view.Arrangement.Pieces.Select(piece => new SendWeights(
        new WeightsArrived(view.Arrangement.Number, Committed, piece.Offset, view.Number, Held: true), piece, to));

    private StepCommitted Commit()
    {
        StepAccount account = Account(Committed);
        accounts.Remove(Committed);
        bool held = Committed + 1 == Limit;
        var committed = new StepCommitted(
            Committed,
            account.Total(),
            shape.LearningRate(Committed),
            account.Norm,
            held,
            [.. account.Parts.SelectMany(part => TreeNode.Cover(part.First, part.End).Select(node => new CountedSubtree(part.Worker, node)))],
            [.. redealt],
            dropped,
            view.Number);
        Committed++;
        redealt.Clear();
        dropped = 0;
        phase = held ? Phase.Held : Phase.Open;
        return committed;
    }

    private ParameterServerEffect[] Diverge(long clock, int layer, GradientTotals totals)
    {
        phase = Phase.Ended;
        return [new TellCoordinator(new StepDiverged(clock, layer, totals.LossSum / totals.Rows))];
    }
}
