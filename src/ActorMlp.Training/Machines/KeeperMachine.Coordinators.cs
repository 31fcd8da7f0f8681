using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>Who coordinates the run: to whom it is offered, whose word counts, and how the run ends.</content>
public sealed partial class KeeperMachine
{
    private const int FirstAttempts = 10;
    private const int LaterAttempts = 45;
    private const int TakeOverAttempts = 900;
    private const int AttemptsWithStrangers = 200;
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TakeOverAgainAfter = TimeSpan.FromMilliseconds(100);

    private readonly string name;
    private readonly HashSet<string> contacts;
    private readonly HashSet<string> onlyAsked = [];
    private CoordinatorName? followed;
    private ulong run;
    private int attempts;
    private bool everAccepted;
    private bool stopRequested;
    private bool started;
    private bool isUnderWay;
    private bool ended;

    /// <summary>Who coordinates the run; null while that is not known.</summary>
    public CoordinatorName? Coordinator { get; private set; }

    /// <summary>Nodes that were only asked to take part may have ended without a word: those are not waited for as long.</summary>
    private int MostAttempts => isUnderWay ? contacts.IsSubsetOf(onlyAsked) ? AttemptsWithStrangers : TakeOverAttempts : everAccepted ? LaterAttempts : FirstAttempts;

    /// <summary>Whether somebody's word on the run counts: what a coordinator that was given up still committed is trained again.</summary>
    public bool Hears(CoordinatorName coordinator) => !ended && Coordinator == coordinator;

    /// <summary>Number of the last thing that the coordinator told, without a gap; 0 for none.</summary>
    public long Heard { get; private set; }

    /// <summary>
    /// Whether something that the coordinator tells is to be handled: it is what follows the last one. What comes twice is not, nor what comes behind something that got lost: both will be said
    /// again. The coordinator is told <see cref="Heard"/> in any case.
    /// </summary>
    public bool IsNext(ToldToKeeper told)
    {
        if (told.Number != Heard + 1)
        {
            return false;
        }

        Heard++;
        return true;
    }

    /// <summary>The run is submitted.</summary>
    /// <param name="number">What nodes are to know it by from now on; whatever they know under another number counts no longer.</param>
    public IReadOnlyList<KeeperEffect> Begin(ulong number)
    {
        (run, view, LastView, supplied, isUnderWay, attempts) = (number, View.None, 0, 0, false, 0);
        return [.. Leave(isLost: false), .. ForgetWhatWasUnderWay(), .. Offer()];
    }

    /// <summary>
    /// The run is submitted anew. How far it goes back is decided here: the coordinator may not have heard of the newest checkpoint, whose epoch, if it ends one, will not be told of again.
    /// </summary>
    /// <param name="message">Says so.</param>
    /// <param name="number">What nodes are to know it by from now on.</param>
    public IReadOnlyList<KeeperEffect> Handle(RunMoves message, ulong number)
    {
        if (message.GoesBackFor is not { } reason)
        {
            return Begin(number);
        }

        var rewound = new RunRewound(Saved.Step, reason, shape.LeavesOrderOpen);
        Handle(rewound);
        return [new AnnounceRewind(rewound), .. Begin(number)];
    }

    /// <summary>Nobody took the run.</summary>
    public IReadOnlyList<KeeperEffect> Handle(OfferDue message)
    {
        _ = message;
        return Coordinator is null && !ended ? Offer() : [];
    }

    /// <summary>A coordinator takes the run; it says so each time that the run comes to it.</summary>
    /// <param name="message">Which run.</param>
    /// <param name="by">Who.</param>
    public IReadOnlyList<KeeperEffect> Handle(RunAccepted message, CoordinatorName by)
    {
        if (message.Run != run || Coordinator == by)
        {
            return [];
        }

        (everAccepted, Coordinator) = (true, by);
        if (followed != by)
        {
            (followed, Heard) = (by, 0);
        }

        var follow = new FollowCoordinator(message.Nodes);
        return stopRequested ? [follow, new AnswerCoordinator(new StopRequested())] : [follow];
    }

    /// <summary>A coordinator does not take the run. After another one was lost, it may not have forgotten the run yet.</summary>
    public IReadOnlyList<KeeperEffect> Handle(RunRefused message) =>
        message.Run != run || (everAccepted && Coordinator is null) ? [] : Refuse(message.Reasons);

    /// <summary>A coordinator is gone.</summary>
    public IReadOnlyList<KeeperEffect> Handle(CoordinatorGone message) => Coordinator == message.Name ? LookForCoordinator() : [];

    /// <summary>A node is gone: it is asked no more.</summary>
    public IReadOnlyList<KeeperEffect> Handle(ContactGone message)
    {
        contacts.Remove(message.NodeId);
        onlyAsked.Remove(message.NodeId);
        return Coordinator?.NodeId == message.NodeId ? LookForCoordinator() : [];
    }

    /// <summary>Nodes are asked to take part in the run; one of them may coordinate it next.</summary>
    public IReadOnlyList<KeeperEffect> Handle(NodesAsked message)
    {
        onlyAsked.UnionWith(message.NodeIds.Where(contacts.Add));
        return [];
    }

    /// <summary>Nodes take part in the run.</summary>
    public IReadOnlyList<KeeperEffect> Handle(MembersMet message)
    {
        contacts.UnionWith(message.NodeIds);
        onlyAsked.ExceptWith(message.NodeIds);
        bool starts = !started;
        started = true;
        return starts ? [new AnnounceStart(Saved)] : [];
    }

    /// <summary>Somebody wants the run to stop; whoever coordinates it later hears so too.</summary>
    public IReadOnlyList<KeeperEffect> Handle(StopRequested message)
    {
        stopRequested = true;
        return [new AnswerCoordinator(message)];
    }

    /// <summary>The run has ended.</summary>
    public IReadOnlyList<KeeperEffect> Handle(RunConclusion message) =>
        hasBest ? End(new CloseRun(Counted(message), null))
        : IsWhole(message.Progress.Step) ? End(new CloseRun(Counted(message), message.Progress.Step))
        : GiveUp($"the run ended after step {message.Progress.Step}, whose state is not here");

    private RunConclusion Counted(RunConclusion conclusion) => conclusion with { Progress = told.Counted(conclusion.Progress) };

    /// <summary>The run cannot go on.</summary>
    public IReadOnlyList<KeeperEffect> Handle(RunFailed message) => GiveUp(message.Reason);

    /// <summary>The coordinator is lost. The nodes go on without; the next coordinator, wherever it may be, is to take the run over.</summary>
    private List<KeeperEffect> LookForCoordinator()
    {
        (isUnderWay, attempts) = (true, 0);
        return [.. Leave(isLost: true), .. Offer()];
    }

    private LeaveCoordinator[] Leave(bool isLost)
    {
        bool had = Coordinator is not null;
        Coordinator = null;
        return had ? [new LeaveCoordinator(isLost)] : [];
    }

    private KeeperEffect[] Offer()
    {
        if (contacts.Count == 0)
        {
            return Refuse(["no coordinator takes the run: every node that took part in it is gone"]);
        }

        if (attempts == MostAttempts)
        {
            return Refuse([$"no coordinator takes the run: no answer from {string.Join(", ", contacts)}; does a node run there, with this secret or authority, and can it reach {name}?"]);
        }

        string next = contacts.ElementAt(attempts++ % contacts.Count);

        // A run that is under way shall not wait for a node that may be gone as well.
        return isUnderWay
            ? [new OfferRun(run, [.. contacts], Saved, Newest, LastView, Shares, TakeOverAgainAfter)]
            : [new OfferRun(run, [next], Saved, null, LastView, Shares, TryAgainAfter)];
    }

    /// <summary>A run that never began may be submitted again after a mistake is mended; one that was under way has failed.</summary>
    private KeeperEffect[] Refuse(IReadOnlyList<string> reasons) => started ? GiveUp(string.Join("; ", reasons)) : End(new RefuseRun(reasons));

    private KeeperEffect[] GiveUp(string reason) => End(new GiveUpRun(reason));

    private KeeperEffect[] End(KeeperEffect end)
    {
        ended = true;
        return [end];
    }
}
