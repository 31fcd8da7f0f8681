using System.Security.Cryptography;
using System.Text.Json;
using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data.Cache;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <summary>What the keeper of a run ends with.</summary>
/// <param name="Conclusion">How the run ended.</param>
/// <param name="Parameters">The weights that stand.</param>
/// <param name="Nodes">What each node did.</param>
internal sealed record KeptRun(RunConclusion Conclusion, float[] Parameters, IReadOnlyList<NodeReport> Nodes);

/// <summary>What a keeper works with.</summary>
/// <param name="Setup">The run.</param>
/// <param name="Source">The run as nodes get it.</param>
/// <param name="RunId">Its name.</param>
/// <param name="Directory">Its folder.</param>
/// <param name="Fingerprint">Its data in hashes, as JSON.</param>
/// <param name="Contacts">Nodes to submit it to.</param>
/// <param name="Hello">Who keeps it.</param>
/// <param name="Endpoint">The process's end of the bulk plane.</param>
/// <param name="Hub">Where frames come in.</param>
/// <param name="NodeAt">A node's agent.</param>
/// <param name="Observer">Hears of the run.</param>
/// <param name="Data">The data as a cache that nodes may ask for; null where they have data files of their own.</param>
/// <param name="Shares">Workers that a run that is made of shares was begun with; null for one that begins, and for others.</param>
internal sealed record KeeperOptions(
    RunSetup Setup,
    RunSource Source,
    string RunId,
    RunDirectory Directory,
    string Fingerprint,
    IReadOnlyList<string> Contacts,
    NodeHello Hello,
    BulkEndpoint Endpoint,
    BulkHub Hub,
    Func<string, ActorSelection> NodeAt,
    IProgress<RunEvent> Observer,
    DataCacheFile? Data,
    int? Shares = null);

/// <summary>
/// Keeps a run, where it was submitted: submits it, gives parameter servers what they begin with, takes the state they send and writes checkpoints of it, and
/// passes on what the coordinator tells. When a coordinator is lost or moves, it submits the run again, from the newest state it has.
/// </summary>
#pragma warning disable CA1001 // An actor lets go of what it has in PostStop.
internal sealed partial class KeeperActor : ReceiveActor, IWithTimers
#pragma warning restore CA1001
{
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TakeOverAgainAfter = TimeSpan.FromMilliseconds(250);
    private const int FirstAttempts = 10;
    private const int LaterAttempts = 45;
    private const int TakeOverAttempts = 360;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly KeeperOptions options;
    private readonly TaskCompletionSource<KeptRun> end;
    private readonly CheckpointWriter checkpoints;
    private readonly AwaitedCheckpoints awaitingState;
    private readonly SortedDictionary<long, RunState> states = [];
    private readonly SortedDictionary<int, RunMember> members = [];
    private readonly HashSet<string> contacts;
    private readonly Dictionary<IActorRef, CancellationTokenSource> transfers = [];
    private CancellationTokenSource sending = new();
    private RunProgress saved;
    private IActorRef coordinator = ActorRefs.Nobody;
    private RunLinks? links;
    private View view = View.None;
    private float[]? best;
    private ulong run;
    private int attempts;
    private long? restoresBest;
    private bool everAccepted;
    private bool stopRequested;
    private bool started;
    private bool isUnderWay;

    public KeeperActor(KeeperOptions options, Checkpoint? resume, TaskCompletionSource<KeptRun> end)
    {
        this.options = options;
        this.end = end;
        checkpoints = new CheckpointWriter(options.Directory);
        contacts = [.. options.Contacts];
        saved = resume?.Progress ?? RunProgress.Start;
        awaitingState = new AwaitedCheckpoints(options.Setup.Shape.StepsPerEpoch, bestWaitsForLast: options.Setup.Shape.Sharing is not null);
        shares = options.Shares;
        states[saved.Step] = RunState.Initial(options.Setup, resume, shares);
        Keeping();
    }

    /// <summary>Tries again.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(KeeperOptions options, Checkpoint? resume, TaskCompletionSource<KeptRun> end) =>
        Akka.Actor.Props.Create(() => new KeeperActor(options, resume, end));

    protected override void PreStart() => SubmitAnew();

    protected override void PostStop()
    {
        options.Hub.Forget(run);
        sending.Cancel();
        sending.Dispose();
        updates?.Dispose();
        end.TrySetException(new RunFailedException("whoever keeps the run ended"));
    }

    protected override void PreRestart(Exception reason, object message)
    {
        end.TrySetException(reason);
        base.PreRestart(reason, message);
    }

    private void Keeping()
    {
        Receive<TryAgain>(_ => Submit());
        Receive<RunAccepted>(message => message.Run == run, Accept);
        Receive<RunRefused>(message => message.Run == run, Accept);
        Receive<NodeRefused>(message => options.Observer.Report(new NodeWasRefused(message.NodeId, message.Reasons)));
        Receive<DataWanted>(message => message.Run == run && options.Data is not null, SendData);
        Receive<DataSent>(message =>
        {
            EndTransfer(message.Node);
            if (message.Failure is { } reason)
            {
                log.Warning("the data were not sent to {0}: {1}", message.Node, reason);
                message.Node.Tell(new DataNotSent(run, reason));
            }
        });
        Receive<MembersPublished>(FromCoordinator, Accept);
        Receive<ViewPublished>(FromCoordinator, message =>
        {
            view = message.View;
            options.Observer.Report(new ViewStands(view, ClusterTraining.IdOf(coordinator.Path.Address)));
            SendBest();
            if (failed is not null)
            {
                // The coordinator that was to hear of it may be gone.
                coordinator.Tell(failed);
            }
        });
        Receive<RangesWanted>(FromCoordinator, message => Supply(message.Arrangement));
        Receive<WriteCheckpoint>(FromCoordinator, message =>
        {
            retention.Enter(message);
            awaitingState.Add(message);
            SaveWhatIsWhole();
            ForgetStates();
        });
        Receive<BulkFrame>(Accept);
        Receive<CheckpointWritten>(message =>
        {
            options.Observer.Report(new CheckpointSaved(message.Step, message.Path));
            lastWritten = message.Kind == CheckpointKind.Last ? message : lastWritten;
            retention.Enter(message);
            ForgetStates();
            coordinator.Tell(message);
        });
        Receive<CheckpointFailed>(message =>
        {
            failed = message;
            coordinator.Tell(message);
        });
        Receive<RestoreBest>(FromCoordinator, message =>
        {
            restoresBest = message.Step;
            RestoreBestWhenSaved();
        });
        Receive<BestLoaded>(Accept);

        // Of a coordinator that was given up nothing counts any more: what it still committed is trained again.
        Receive<RunEvent>(_ => Sender.Equals(coordinator), options.Observer.Report);
        Receive<StopRequested>(message =>
        {
            stopRequested = true;
            coordinator.Tell(message);
        });
        Receive<RunConcluded>(FromCoordinator, Accept);
        Receive<RunFailed>(FromCoordinator, message => Fail(message.Reason));
        Receive<RunMoves>(FromCoordinator, _ =>
        {
            log.Info("the run moves to another coordinator");
            SubmitAnew();
        });
        Receive<Terminated>(message =>
        {
            if (transfers.TryGetValue(message.ActorRef, out CancellationTokenSource? transfer))
            {
                // Its frames would wait for a connection as long as the run lasts.
                transfer.Cancel();
            }

            if (message.ActorRef.Equals(coordinator))
            {
                LookForCoordinator();
            }
        });
        Receive<BulkPeerRefused>(message =>
        {
            contacts.Remove(message.NodeId);
            if (!coordinator.IsNobody() && ClusterTraining.IdOf(coordinator.Path.Address) == message.NodeId)
            {
                LookForCoordinator();
            }
        });
        Receive<Status.Failure>(failure => Fail(failure.Cause.GetBaseException().Message));
    }

    /// <summary>What an old coordinator may still say does not count.</summary>
    private bool FromCoordinator<T>(T message) => Sender.Equals(coordinator);

    /// <summary>The coordinator is lost. The nodes go on without; the next coordinator, wherever it may be, is to take the run over.</summary>
    private void LookForCoordinator()
    {
        log.Warning("the coordinator is lost");
        Context.Unwatch(coordinator);
        coordinator = ActorRefs.Nobody;
        (isUnderWay, awaitsArrangement) = (true, shares is not null);
        attempts = 0;
        Submit();
    }

    private void SubmitAnew()
    {
        isUnderWay = false;
        Context.Unwatch(coordinator);
        coordinator = ActorRefs.Nobody;
        options.Hub.Forget(run);
        run = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        links = new RunLinks(options.Endpoint, run);
        options.Hub.Register(run, Self);
        ForgetWhatWasUnderWay();

        // Data are sent for a run by its number: those who still lack them ask again.
        sending.Cancel();
        sending.Dispose();
        sending = new CancellationTokenSource();
        (view, attempts) = (View.None, 0);
        Submit();
    }

    private void Submit()
    {
        if (attempts == (isUnderWay ? TakeOverAttempts : everAccepted ? LaterAttempts : FirstAttempts) || contacts.Count == 0)
        {
            Refuse([$"no coordinator takes the run: no answer from {string.Join(", ", contacts)}; does a node run there, with this secret or authority, and can it reach {options.Hello.NodeId}?"]);
            return;
        }

        string next = contacts.ElementAt(attempts++ % contacts.Count);
        var message = new SubmitRun(
            run,
            options.RunId,
            RunOptionsJson.Serialize(options.Source.Options),
            RunFacts.Of(options.Setup.Data),
            options.Fingerprint,
            saved,
            options.Hello,
            options.Source.Folder,
            options.Data is { } data ? new DataOffer(data.Sha256, data.Length) : null,
            isUnderWay ? Newest : null,
            shares);

        // A run that is under way shall not wait for a node that may be gone as well.
        foreach (string contact in isUnderWay ? [.. contacts] : new[] { next })
        {
            options.NodeAt(contact).Tell(message);
        }

        Timers.StartSingleTimer("again", new TryAgain(), isUnderWay ? TakeOverAgainAfter : TryAgainAfter);
    }

    private void SendData(DataWanted message)
    {
        log.Info("{0} gets the data from here", message.Node.NodeId);
        links!.Connect(message.Node.NodeId, message.Node.BulkAddress);
        IActorRef node = Sender;
        EndTransfer(node);
        CancellationTokenSource transfer = transfers[node] = CancellationTokenSource.CreateLinkedTokenSource(sending.Token);
        Context.Watch(node);
        new DataSender(options.Data!, options.Endpoint.Send)
            .SendAsync(message.Node.NodeId, run, [new ByteRange(0, options.Data!.Length)], transfer.Token)
            .PipeTo(Self, Self, () => new DataSent(node, null), exception => new DataSent(node, exception.GetBaseException() switch
            {
                OperationCanceledException => "it is gone, or the run was submitted anew",
                { } cause => cause.Message,
            }));
    }

    private void EndTransfer(IActorRef node)
    {
        if (transfers.Remove(node, out CancellationTokenSource? transfer))
        {
            Context.Unwatch(node);
            transfer.Cancel();
            transfer.Dispose();
        }
    }

    private void Accept(RunAccepted message)
    {
        Timers.Cancel("again");
        log.Info("the run is accepted by {0}; {1} nodes", Sender, message.Nodes);
        everAccepted = true;
        coordinator = Sender;
        Context.Watch(coordinator);
        if (stopRequested)
        {
            coordinator.Tell(new StopRequested());
        }
    }

    private void Accept(RunRefused message)
    {
        // After a coordinator was lost, the next may not have forgotten the run yet.
        if (everAccepted && coordinator.IsNobody())
        {
            return;
        }

        Refuse(message.Reasons);
    }

    /// <summary>A run that never began may be submitted again after a mistake is mended; one that was under way has failed.</summary>
    private void Refuse(IReadOnlyList<string> reasons)
    {
        if (started)
        {
            Fail(string.Join("; ", reasons));
            return;
        }

        Timers.Cancel("again");
        end.TrySetException(new RunRefusedException(reasons));
        Context.Stop(Self);
    }

    private void Accept(MembersPublished message)
    {
        members.Clear();
        foreach (RunMember member in message.Members)
        {
            members[member.Number] = member;
            contacts.Add(member.NodeId);
            links!.Connect(member.NodeId, member.BulkAddress, member.Number);
        }

        if (!started)
        {
            started = true;
            if (options.Setup.Shape.Sharing is { } sharing)
            {
                options.Observer.Report(new RunNotice(
                    $"training.consistency.mode {JsonNamingPolicy.CamelCase.ConvertName(sharing.Rule.Mode.ToString())}: one node holds all parameters and none stands by (cluster.standbys is not used); if it or the coordinator is lost, the run goes back to its last checkpoint"));
            }

            options.Observer.Report(RunSummaries.Started(options.Setup, options.RunId, saved.Step, RunParty.Of(message.Members)));
            if (options.Setup.Encoding?.Advice(message.Members.Count, options.Setup.Network.Layout.Length) is { } advice)
            {
                options.Observer.Report(new RunNotice(advice));
            }
        }

        options.Observer.Report(new MembersKnown(message.Members.ToDictionary(member => member.Number, member => member.NodeId)));
    }

    private void Accept(RunConcluded message)
    {
        Context.Unwatch(coordinator);
        bool endsWithBest = best is not null;
        end.TrySetResult(new KeptRun(
            message.Conclusion, endsWithBest ? best! : states[message.Conclusion.Progress.Step].Slots[0].Span.ToArray(), message.Nodes));
        Context.Stop(Self);
    }

    private void Fail(string reason)
    {
        Timers.Cancel("again");
        end.TrySetException(new RunFailedException(reason));
        Context.Stop(Self);
    }

    private sealed record TryAgain;

    private sealed record DataSent(IActorRef Node, string? Failure);
}
