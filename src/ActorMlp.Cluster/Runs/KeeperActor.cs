using System.Security.Cryptography;
using System.Text.Json;
using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// Keeps a run, where it was submitted: hands messages to <see cref="KeeperMachine"/>, and has what that decides on: the vectors, the disk, the nodes' addresses, and whoever watches the run.
/// </summary>
#pragma warning disable CA1001 // An actor lets go of what it has in PostStop.
internal sealed partial class KeeperActor : ReceiveActor, IWithTimers
#pragma warning restore CA1001
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly KeeperOptions options;
    private readonly KeeperMachine machine;
    private readonly TaskCompletionSource<KeptRun> end;
    private readonly SortedDictionary<int, RunMember> members = [];
    private IActorRef coordinator = ActorRefs.Nobody;
    private RunLinks? links;
    private IReadOnlyList<NodeReport> reports = [];
    private ulong run;
    private Task? ending;

    public KeeperActor(KeeperOptions options, Checkpoint? resume, TaskCompletionSource<KeptRun> end)
    {
        this.options = options;
        this.end = end;
        RunSetup setup = options.Setup;
        RunProgress start = resume?.Progress ?? RunProgress.Start;
        machine = new KeeperMachine(setup.Shape, setup.StateShape, start, options.Shares, options.Hello.NodeId, options.Contacts);
        vectors = new SharedBuffers(setup.Network.Layout.Length);
        states[start.Step] = RunState.Initial(setup, vectors, resume, options.Shares);
        checkpoints = new CheckpointWriter(options.Directory);
        updates = new UpdateLogWriter(options.Directory.Updates, setup);
        Keeping();
    }

    /// <summary>Tries again.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(KeeperOptions options, Checkpoint? resume, TaskCompletionSource<KeptRun> end) =>
        Akka.Actor.Props.Create(() => new KeeperActor(options, resume, end));

    protected override void PreStart() => Carry(machine.Begin(Renew()));

    protected override void PostStop()
    {
        options.Hub.Forget(run);
        sending.Cancel();
        sending.Dispose();
        updates.Dispose();
        if (ending is null)
        {
            end.TrySetException(new RunFailedException("whoever keeps the run ended"));
        }
    }

    protected override void PreRestart(Exception reason, object message)
    {
        end.TrySetException(reason);
        base.PreRestart(reason, message);
    }

    private void Keeping()
    {
        Receive<OfferDue>(message => Carry(machine.Handle(message)));
        Receive<RunAccepted>(message => Carry(machine.Handle(message, NameOf(Sender))));
        Receive<RunRefused>(message => Carry(machine.Handle(message)));
        Receive<NodeRefused>(message => options.Observer.Report(new NodeWasRefused(message.NodeId, message.Reasons)));
        Receive<ToldToKeeper>(FromCoordinator, message =>
        {
            bool isNext = machine.IsNext(message);
            Sender.Tell(new KeeperHeard(machine.Heard));
            if (isNext)
            {
                Self.Forward(message.Message);
            }
        });
        Receive<DataWanted>(message => message.Run == run && options.Data is not null, SendData);
        Receive<DataSent>(Accept);
        Receive<NodesAsked>(FromCoordinator, message => Carry(machine.Handle(message)));
        Receive<MembersPublished>(FromCoordinator, Accept);
        Receive<ViewPublished>(FromCoordinator, message =>
        {
            options.Observer.Report(new ViewStands(message.View, ClusterTraining.IdOf(Sender.Path.Address)));
            Carry(machine.Handle(message));
        });
        Receive<ViewStands>(FromCoordinator, message =>
        {
            options.Observer.Report(message);
            machine.Handle(message);
        });
        Receive<RangesWanted>(FromCoordinator, message => Carry(machine.Handle(message)));
        Receive<WriteCheckpoint>(FromCoordinator, message => Carry(machine.Handle(message)));
        Receive<RestoreBest>(FromCoordinator, message => Carry(machine.Handle(message)));
        Receive<BulkFrame>(Accept);
        Receive<CheckpointWritten>(message =>
        {
            options.Observer.Report(new CheckpointSaved(message.Step, message.Path));
            coordinator.Tell(message);
        });
        Receive<CheckpointFailed>(message => Carry(machine.Handle(message)));
        Receive<LogFailed>(message => Carry(machine.Handle(message)));
        Receive<BestRead>(Accept);
        Receive<BestMissing>(message => Carry(machine.Handle(message)));
        Receive<RunRewound>(FromCoordinator, message =>
        {
            options.Observer.Report(message);
            machine.Handle(message);
        });
        Receive<EpochCompleted>(FromCoordinator, message =>
        {
            if (machine.Handle(message))
            {
                options.Observer.Report(message);
            }
        });
        Receive<RunEvent>(FromCoordinator, options.Observer.Report);
        Receive<StepsCommitted>(FromCoordinator, message =>
        {
            foreach (StepCommittedEvent step in message.Steps)
            {
                if (machine.Handle(step))
                {
                    options.Observer.Report(step);
                }
            }
        });
        Receive<StopRequested>(message => Carry(machine.Handle(message)));
        Receive<RunConcluded>(FromCoordinator, message =>
        {
            reports = message.Nodes;
            Carry(machine.Handle(message.Conclusion));
        });
        Receive<RunFailed>(FromCoordinator, message => Carry(machine.Handle(message)));
        Receive<RunMoves>(FromCoordinator, message =>
        {
            log.Info("the run moves to another coordinator");
            Carry(machine.Handle(message, Renew()));
        });
        Receive<Terminated>(message =>
        {
            StopTransfer(message.ActorRef);
            Carry(machine.Handle(new CoordinatorGone(NameOf(message.ActorRef))));
        });
        Receive<BulkPeerRefused>(message => Carry(machine.Handle(new ContactGone(message.NodeId))));
    }

    private bool FromCoordinator<T>(T message) => machine.Hears(NameOf(Sender));

    private static CoordinatorName NameOf(IActorRef actor) => new(ClusterTraining.IdOf(actor.Path.Address), actor.Path.Uid);

    /// <summary>Another number for the run: what is on its way under the one of before arrives nowhere, and who still lacks data asks again.</summary>
    private ulong Renew()
    {
        options.Hub.Forget(run);
        run = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        links = new RunLinks(options.Endpoint, run);
        options.Hub.Register(run, Self);
        sending.Cancel();
        sending.Dispose();
        sending = new CancellationTokenSource();
        return run;
    }

    private void Accept(MembersPublished message)
    {
        members.Clear();
        foreach (RunMember member in message.Members)
        {
            members[member.Number] = member;
            links!.Connect(member.NodeId, member.BulkAddress, member.Number);
        }

        Carry(machine.Handle(new MembersMet([.. members.Values.Select(member => member.NodeId)])));
        options.Observer.Report(new MembersKnown(members.ToDictionary(member => member.Key, member => member.Value.NodeId)));
    }

    private void Carry(IReadOnlyList<KeeperEffect> effects)
    {
        foreach (KeeperEffect effect in effects)
        {
            switch (effect)
            {
                case OfferRun offer:
                    Submit(offer);
                    break;
                case FollowCoordinator follow:
                    Timers.Cancel("again");
                    log.Info("the run is accepted by {0}; {1} nodes", Sender, follow.Nodes);
                    coordinator = Sender;
                    Context.Watch(coordinator);
                    break;
                case LeaveCoordinator leave:
                    if (leave.IsLost)
                    {
                        log.Warning("the coordinator is lost");
                    }

                    Context.Unwatch(coordinator);
                    coordinator = ActorRefs.Nobody;
                    break;
                case AnswerCoordinator answer:
                    coordinator.Tell(answer.Message);
                    break;
                case AnnounceStart announce:
                    Announce(announce);
                    break;
                case AnnounceRewind announce:
                    options.Observer.Report(announce.Rewound);
                    break;
                case CloseRun ended:
                    var kept = new KeptRun(ended.Conclusion, (ended.Step is { } step ? states[step].Slots[0] : best!).Span.ToArray(), reports);
                    End(() => end.TrySetResult(kept));
                    break;
                case GiveUpRun give:
                    End(() => end.TrySetException(new RunFailedException(give.Reason)));
                    break;
                case RefuseRun refuse:
                    End(() => end.TrySetException(new RunRefusedException(refuse.Reasons)));
                    break;
                default:
                    CarryState(effect);
                    break;
            }
        }
    }

    /// <summary>The run is over here; whoever waits for it hears so when its checkpoints are written.</summary>
    private void End(Action tell)
    {
        ending = EndAsync();
        Context.Stop(Self);

        async Task EndAsync()
        {
            try
            {
                await checkpoints.WrittenAsync().ConfigureAwait(false);
            }
            finally
            {
                tell();
            }
        }
    }

    private void Submit(OfferRun offer)
    {
        var message = new SubmitRun(
            offer.Run,
            options.RunId,
            RunOptionsJson.Serialize(options.Source.Options),
            RunFacts.Of(options.Setup.Data),
            options.Fingerprint,
            offer.Progress,
            options.Hello,
            options.Source.Folder,
            options.Data is { } data ? new DataOffer(data.Sha256, data.Length) : null,
            offer.Newest,
            offer.Shares,
            offer.LastView);
        foreach (string contact in offer.To)
        {
            options.NodeAt(contact).Tell(message);
        }

        Timers.StartSingleTimer("again", new OfferDue(), offer.AgainAfter);
    }

    private void Announce(AnnounceStart announce)
    {
        RunSetup setup = options.Setup;
        if (setup.Shape.Sharing is { } sharing)
        {
            options.Observer.Report(new RunNotice(
                $"training.consistency.mode {JsonNamingPolicy.CamelCase.ConvertName(sharing.Rule.Mode.ToString())}: one node holds all parameters and none stands by (cluster.standbys is not used); if it or the coordinator is lost, the run goes back to its last checkpoint"));
        }

        options.Observer.Report(RunSummaries.Started(setup, options.RunId, announce.Progress.Step, RunParty.Of([.. members.Values])));
        if (setup.Encoding?.Advice(members.Count, setup.Network.Layout.Length) is { } advice)
        {
            options.Observer.Report(new RunNotice(advice));
        }
    }
}
