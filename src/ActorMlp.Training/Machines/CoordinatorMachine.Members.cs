using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>Who belongs to the run: workers and parameter servers that come, go and are lost, and the views that follow from it.</content>
public sealed partial class CoordinatorMachine
{
    /// <summary>
    /// Whether the servers that are there are not those that hold ranges; where workers keep what their subtrees owe, also whether shards are to be dealt anew.
    /// </summary>
    private bool IsArrangementStale =>
        !Deal().SequenceEqual(view.Arrangement.Pieces)
        || (shape.WorkersKeepResiduals && (redeals || !view.Ranges.Select(range => range.Worker).ToHashSet().SetEquals(members.Values)));

    /// <summary>Workers of the view that are there, also those that wait to leave.</summary>
    private WorkerId[] Present =>
        [.. view.Ranges.Select(range => range.Worker).Where(worker => members.ContainsValue(worker) || leaving.ContainsKey(worker.Number))];

    /// <summary>Those that were there from the start, all at once, so that the first view has them all.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(NodesGathered message)
    {
        foreach (WorkerId worker in message.Workers)
        {
            members[worker.Number] = worker;
            accounts.TryAdd(worker.Number, new WorkerAccount());
        }

        servers.UnionWith(message.Servers);
        return ArrangeIfGathered();
    }

    /// <summary>A worker is there: it gets its share in a new view.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(WorkerJoined message)
    {
        if (phase == Phase.Ended)
        {
            return [];
        }

        members[message.Worker.Number] = message.Worker;
        accounts.TryAdd(message.Worker.Number, new WorkerAccount());
        return phase == Phase.Gathering ? ArrangeIfGathered() : DealAnew();
    }

    /// <summary>A parameter server is there: it gets its range as soon as the run can hold for it.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(ServerJoined message)
    {
        servers.Add(message.Server);
        return phase == Phase.Gathering ? ArrangeIfGathered() : HoldIfStale();
    }

    /// <summary>
    /// A node is gone. Its shards are dealt again; what it held goes on with its standby. Where there is none, or with it went what its subtrees owe, a part of
    /// the newest state is lost: the run goes back to its last checkpoint.
    /// </summary>
    public IReadOnlyList<CoordinatorEffect> Handle(NodeLost message, TimeSpan now)
    {
        bool worked = members.TryGetValue(message.Node, out WorkerId worker);
        bool served = view.Arrangement.Servers.Contains(message.Node);
        servers.Remove(message.Node);
        leaving.Remove(message.Node);
        if (accounts.TryGetValue(message.Node, out WorkerAccount? account))
        {
            account.Status = WorkerStatus.Lost;
        }

        members.Remove(message.Node);
        if (phase is Phase.Ended or Phase.Gathering)
        {
            return [];
        }

        if (!served)
        {
            return worked ? DealWithout(worker, message.Reason, now) : [];
        }

        bool computedAll = view.Ranges.Any(range => range.Worker.Number == message.Node && range.Count == shape.Shards);

        // Who computed a step alone may have finished the next one too before its standby had what it takes.
        if (phase == Phase.Arranging || computedAll || shape.WorkersKeepResiduals || view.Arrangement.Without(message.Node) is not { } rest)
        {
            return Rewind(message.Reason, now);
        }

        bool lostPieces = view.Arrangement.PiecesOf(message.Node).Any();
        view = view with { Arrangement = rest };
        lastHeard = now;
        return
        [
            .. lostPieces ? (CoordinatorEffect[])[new Notify(new StandbyTookOver(progress.Step, message.Reason))] : [],
            .. ChangeView(afterLoss: true),
            .. Repeat(),
        ];
    }

    /// <summary>
    /// Time passes. Where a run that should go on has stood still for long, a message may have been lost: a new view makes everybody send again; if that does
    /// not help twice, the run goes back to its last checkpoint.
    /// </summary>
    public IReadOnlyList<CoordinatorEffect> Handle(ProgressDue message, TimeSpan now)
    {
        _ = message;
        latest = now;
        if (phase == Phase.Gathering)
        {
            lastHeard = now;
        }

        if (evaluation is { } open && LateAfter(open) is { } after && open.Help(after, now) is { Count: > 0 } help)
        {
            return help;
        }

        TimeSpan silence = now - lastHeard;

        if (phase is Phase.Gathering or Phase.Ended || silence < Patience)
        {
            return [];
        }

        // A disk may well be silent for longer than a step takes: then a word may have been lost, but nothing is given up yet.
        if (phase is not (Phase.Training or Phase.Arranging or Phase.Evaluating) && silence < Patience * 30)
        {
            if (now - lastRepeated < Patience)
            {
                return [];
            }

            lastRepeated = now;
            return Repeat();
        }

        lastHeard = now;
        stalls++;
        var stalled = new Notify(new RunStalled(progress.Step, silence.TotalMilliseconds));
        if (stalls % 3 == 0)
        {
            return [stalled, .. Rewind($"nothing was heard for {silence.TotalSeconds:0} s", now)];
        }

        view = view with { Number = view.Number + 1 };
        return [stalled, new PublishView(new ViewPublished(view, progress.Step)), .. evaluation?.Deal(Present, latest) ?? [], .. Repeat()];
    }

    /// <summary>After what time a share of an evaluation is late: several times what others took, or those of the evaluation before; null while nothing is known.</summary>
    private TimeSpan? LateAfter(EvaluationTally open) =>
        shape.StragglerFactor == 0 || (open.Taken ?? typicalEvaluation) is not { } usual ? null
        : usual * shape.StragglerFactor > shape.LateAfter ? usual * shape.StragglerFactor : shape.LateAfter;

    /// <summary>A parameter server has its range; when all have, the run goes on.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(RangeReady message, TimeSpan now)
    {
        if (phase != Phase.Arranging || message.Arrangement != view.Arrangement.Number || !awaitedRanges.Remove(message.Server) || awaitedRanges.Count > 0)
        {
            return [];
        }

        Hear(now);
        return [.. TellRewound(), .. Release(view.Number), .. Begin(now)];
    }

    /// <summary>A node wants to leave: its shards and its range go to others first.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(NodeLeaving message)
    {
        int node = message.Node;
        bool worked = members.Remove(node);
        bool served = servers.Remove(node);
        if (phase == Phase.Ended || !(worked || served))
        {
            return [new ReleaseNode(node)];
        }

        if (accounts.TryGetValue(node, out WorkerAccount? account))
        {
            account.Status = WorkerStatus.Left;
        }

        leaving[node] = view.Number + 1;
        if (phase == Phase.Gathering)
        {
            return Release(view.Number + 1);
        }

        // The last node takes the run with it: it stops with a checkpoint that resumes it.
        if (members.Count == 0 || servers.Count == 0)
        {
            if (served)
            {
                servers.Add(node);
            }

            return Handle(new StopRequested());
        }

        return shape.WorkersKeepResiduals ? HoldIfStale() : [.. ChangeView(), .. HoldIfStale()];
    }

    /// <summary>What a worker computed of late; where another deal of the shards would be clearly faster, it is made.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(WorkerPace message)
    {
        paces.Enter(message);
        if (phase != Phase.Training || !paces.SuggestsOtherDeal(shape, view, [.. members.Values]))
        {
            return [];
        }

        redeals = true;
        return DealAnew();
    }

    /// <summary>A worker failed: its shards are dealt again at once. If what its subtrees owe was with it, the run goes back to its last checkpoint.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(WorkerFailed message, TimeSpan now)
    {
        if (phase == Phase.Ended)
        {
            return [];
        }

        WorkerAccount account = accounts.TryGetValue(message.Worker.Number, out WorkerAccount? known)
            ? known
            : accounts[message.Worker.Number] = new WorkerAccount();
        account.Failures += message.Final ? 0 : 1;
        account.Status = message.Final ? WorkerStatus.Lost : WorkerStatus.Restarting;
        if (members.TryGetValue(message.Worker.Number, out WorkerId member) && member.Incarnation <= message.Worker.Incarnation)
        {
            members.Remove(message.Worker.Number);
        }

        leaving.Remove(message.Worker.Number);

        if (accounts.Count >= shape.Workers && accounts.Values.All(worker => worker.Status == WorkerStatus.Lost))
        {
            phase = Phase.Ended;
            return [new FailRun($"every worker was lost; the last one, {message.Worker}, failed of: {message.Reason}")];
        }

        return phase == Phase.Gathering ? [] : DealWithout(message.Worker, message.Reason, now);
    }

    private IReadOnlyList<CoordinatorEffect> DealWithout(WorkerId worker, string reason, TimeSpan now) =>
        !shape.WorkersKeepResiduals ? ChangeView(afterLoss: true)
        : view.RangeOf(worker) is { Count: > 0 } ? Rewind(reason, now)
        : [.. evaluation?.Deal(Present, latest) ?? []];

    /// <summary>What servers were told last, for those that may not have heard it.</summary>
    private List<CoordinatorEffect> Repeat()
    {
        List<CoordinatorEffect> effects = [];
        if (phase == Phase.Training)
        {
            effects.Add(new TellParameterServer(new ContinueTraining(progress.Step, view.Number)));
            effects.AddRange(stopRequested ? [new TellParameterServer(new HoldTraining(view.Number))] : HoldIfStale());
        }
        else if (phase != Phase.Arranging && progress.Step > view.Arrangement.Step)
        {
            // Of several servers one may not have come here yet.
            effects.Add(new TellParameterServer(new ContinueTraining(progress.Step - 1, view.Number)));
        }

        RunProgress? unwritten = phase is Phase.Stopping or Phase.Finishing && lastWritten != progress.Step ? progress : null;
        if ((saving ?? unwritten) is { } checkpoint)
        {
            effects.Add(new TellParameterServer(new WriteCheckpoint(CheckpointKind.Last, checkpoint, saved.Step)));
        }

        if (phase == Phase.Arranging)
        {
            effects.Add(new SupplyRanges(view.Arrangement));
        }

        if (phase == Phase.Restoring)
        {
            effects.Add(AskForBest());
        }

        return effects;
    }

    private IReadOnlyList<ParameterPiece> Deal() => dealer.Deal([.. servers], shape.WorkersKeepResiduals ? 0 : shape.Standbys);

    private IReadOnlyList<CoordinatorEffect> Rewind(string reason, TimeSpan now)
    {
        if (phase == Phase.Training)
        {
            clock.Hold(now);
        }

        progress = saved;
        lastAsked = lastWritten == saved.Step ? saved.Step : -1;
        rewound = new RunRewound(progress.Step, reason, shape.LeavesOrderOpen);
        (evaluation, saving) = (null, null);
        phase = Phase.Gathering;
        return ArrangeIfGathered();
    }

    /// <summary>Says that the run went back, once it is known how far.</summary>
    private Notify[] TellRewound()
    {
        Notify[] told = rewound is null ? [] : [new Notify(rewound with { View = view.Arrangement.Number })];
        rewound = null;
        return told;
    }

    /// <summary>Workers whose shares a run that is made of shares is made of: those who are there when it begins.</summary>
    private int SharesOfRun() => shape.Sharing is null ? 0 : (shares ??= members.Count);

    private IReadOnlyList<CoordinatorEffect> DealAnew() => shape.WorkersKeepResiduals ? HoldIfStale() : ChangeView();

    private IReadOnlyList<CoordinatorEffect> ArrangeIfGathered() =>
        members.Count < shape.Workers || servers.Count == 0 ? [] : Arrange();

    /// <summary>Deals ranges anew; whoever keeps the run has the state of this very step, or a newer one and says so.</summary>
    private IReadOnlyList<CoordinatorEffect> Arrange()
    {
        phase = Phase.Arranging;
        var arrangement = new Arrangement(view.Number + 1, progress.Step, Deal(), SharesOfRun());
        awaitedRanges.Clear();
        awaitedRanges.UnionWith(arrangement.Servers);
        view = view with { Arrangement = arrangement };
        IReadOnlyList<CoordinatorEffect> change = ChangeView();
        (heardBefore, heardOf) = (view.Number, view.Number);
        return [.. change, new SupplyRanges(arrangement)];
    }

    private IReadOnlyList<CoordinatorEffect> HoldIfStale() =>
        phase == Phase.Training && IsArrangementStale ? [new TellParameterServer(new HoldTraining(view.Number))] : [];

    /// <summary>Lets those go that no view from <paramref name="standing"/> on knows.</summary>
    private IReadOnlyList<CoordinatorEffect> Release(int standing)
    {
        List<int> free = [.. leaving.Where(node => node.Value <= standing && !view.Arrangement.Servers.Contains(node.Key)).Select(node => node.Key)];
        free.ForEach(node => leaving.Remove(node));
        return [.. free.Select(node => new ReleaseNode(node))];
    }

    /// <summary>
    /// A view of those who are there. After a loss the step in flight is computed anew, and of the step before it what a lost server had not done yet, by those who have their weights: whoever joined
    /// while they were under way waits. Until a step is heard of that a view after the loss has, others may come to stand in that view's stead, and hold to the same.
    /// </summary>
    private IReadOnlyList<CoordinatorEffect> ChangeView(bool afterLoss = false)
    {
        WorkerId[] present = [.. members.Values];
        foreach (WorkerId worker in present)
        {
            joinedIn.TryAdd(worker, view.Number + 1);
        }

        lostIn = afterLoss ? view.Number + 1 : lostIn;
        WorkerId[] ready = [.. present.Where(worker => lostIn <= heardOf || joinedIn[worker] <= heardBefore)];
        ready = ready.Length > 0 ? ready : present;
        someWait = ready.Length < present.Length;
        foreach (int number in members.Keys)
        {
            accounts[number].Status = WorkerStatus.Active;
        }

        view = view with
        {
            Number = view.Number + 1,
            Ranges =
        [
            .. ShardDealer.Deal(shape.Shards, ready, paces.Of(ready), shape.ShardsDealtTogether),
            .. present.Except(ready).Select(worker => new ShardRange(worker, shape.Shards, shape.Shards)),
        ]
        };
        redeals = false;
        return
        [
            new PublishView(new ViewPublished(view, progress.Step)),
            .. evaluation?.Deal(present, latest) ?? [],
            .. ReportWorkers(),
        ];
    }

    private IEnumerable<CoordinatorEffect> ReportWorkers()
    {
        foreach ((int number, WorkerAccount account) in accounts)
        {
            ShardRange? range = members.TryGetValue(number, out WorkerId member) ? view.RangeOf(member) : null;
            yield return new Notify(new WorkerChanged(
                number, account.Status, view.Number, range?.First ?? 0, range?.Count ?? 0, account.Shards, account.Failures));
        }
    }

    private sealed class WorkerAccount
    {
        public WorkerStatus Status { get; set; } = WorkerStatus.Active;

        public long Shards { get; set; }

        public int Failures { get; set; }
    }
}
