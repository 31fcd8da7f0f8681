using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <summary>A node that may take part (from <see cref="ClusterCoordinatorActor"/>).</summary>
/// <param name="NodeId">Its control address.</param>
/// <param name="Agent">Its agent.</param>
/// <param name="IsWorker">Whether it computes.</param>
/// <param name="IsServer">Whether it holds parameters.</param>
/// <param name="Uid">Which life of the node.</param>
internal sealed record RunCandidate(string NodeId, ActorSelection Agent, bool IsWorker, bool IsServer, int Uid);

/// <summary>A node is no longer in the cluster (from <see cref="ClusterCoordinatorActor"/>).</summary>
/// <param name="NodeId">Which.</param>
internal sealed record NodeGone(string NodeId);

/// <summary>A run has ended here, another one may begin (to <see cref="ClusterCoordinatorActor"/>).</summary>
internal sealed record RunIsOver;

/// <summary>The coordinator of a run on a cluster: hands messages to <see cref="CoordinatorMachine"/> and carries out what it decides.</summary>
internal sealed partial class RunCoordinatorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan GatheringPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReportPatience = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SortedDictionary<int, Node> nodes = [];
    private readonly List<string> refusals = [];
    private readonly List<NodeReport> reports = [];
    private readonly SubmitRun run;
    private readonly IActorRef keeper;
    private readonly List<RunCandidate> candidates;
    private readonly string selfId;
    private readonly RunBlueprint blueprint;
    private readonly int minimumWorkers;
    private readonly CoordinatorMachine machine;
    private readonly TimeProvider time;
    private readonly long began;
    private RunConclusion? conclusion;
    private RunWaiting? waiting;
    private double samplesPerSecond;
    private bool gathered;
    private bool stopWhenGathered;
    private bool moves;
    private bool keeperStops;
    private int nextNumber;

    public RunCoordinatorActor(SubmitRun run, IActorRef keeper, IReadOnlyList<RunCandidate> candidates, string selfId, TimeProvider time)
    {
        this.selfId = selfId;
        this.run = run;
        this.keeper = keeper;
        this.candidates = [.. candidates];
        this.time = time;
        began = time.GetTimestamp();
        RunOptions options = RunOptionsJson.Deserialize(run.Options);
        blueprint = new RunBlueprint(options, run.Facts);
        minimumWorkers = options.Cluster.MinimumWorkers;
        machine = new CoordinatorMachine(
            blueprint.Shape with { Workers = minimumWorkers, Shares = run.Shares, WorkersKeepResiduals = blueprint.Encoding is { Spec.HasErrorFeedback: true } },
            run.Progress,
            blueprint.CreateDealer(),
            run.LastView);
        Coordinating();
    }

    /// <summary>Gives up waiting.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => time.GetElapsedTime(began);

    public static Props Props(SubmitRun run, IActorRef keeper, IReadOnlyList<RunCandidate> candidates, string selfId, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new RunCoordinatorActor(run, keeper, candidates, selfId, time));

    protected override void PreStart()
    {
        Context.Watch(keeper);
        Timers.StartPeriodicTimer("progress", new ProgressDue(), ProgressInterval);
        AcceptRun();
        if (run.Newest is { } newest)
        {
            AskWhereItStands(newest);
        }
        else
        {
            Gather();
        }
    }

    protected override void PostStop()
    {
        Send(outbox.Flush(Now));
        EndOnNodes();
    }

    private void EndOnNodes()
    {
        foreach (Node node in nodes.Values)
        {
            node.Actor?.Tell(new EndRun());
        }
    }

    private void Gather()
    {
        foreach (RunCandidate candidate in candidates)
        {
            Invite(candidate);
        }

        Timers.StartSingleTimer("gathering", new PatienceIsOver(), GatheringPatience);
        BeginIfGathered();
    }

    private void Coordinating()
    {
        Receive<NodeStanding>(Accept);
        Receive<CommitsTold>(message => commits.AddRange(message.Commits));
        Receive<NoSuchRun>(message => Answered(message.NodeId));
        Receive<StandingsAreDue>(_ => TakeOver());
        Receive<RunCandidate>(_ => asks, Meet);
        Receive<RunCandidate>(Invite);
        Receive<NodePrepared>(Accept);
        Receive<NodeRefused>(Accept);
        Receive<PatienceIsOver>(_ => Begin());
        Receive<ProcessGone>(_ => asks, gone => Forget(candidate => candidate.NodeId == gone.NodeId && candidate.Uid == gone.Uid));
        Receive<NodeGone>(_ => asks, gone => Forget(candidate => candidate.NodeId == gone.NodeId));
        Receive<ProcessGone>(gone => Lose(nodes.Values.FirstOrDefault(node => node.Id == gone.NodeId && node.Uid == gone.Uid), "its process is gone"));
        Receive<NodeGone>(gone => Lose(nodes.Values.FirstOrDefault(node => node.Id == gone.NodeId), "it is no longer in the cluster"));
        Receive<Terminated>(terminated =>
        {
            if (terminated.ActorRef.Equals(keeper))
            {
                log.Warning("whoever keeps the run is gone: the run ends");
                Context.Stop(Self);
            }
            else
            {
                Lose(nodes.Values.FirstOrDefault(node => terminated.ActorRef.Equals(node.Actor)), "its process ended, or cannot be reached");
            }
        });
        Receive<NodeWantsToLeave>(Accept);
        Receive<WorkerFailed>(message => Carry(machine.Handle(message, Now)));
        Receive<RangeReady>(message => Carry(machine.Handle(message, Now)));
        Receive<StepCommitted>(message => Carry(machine.Handle(message, Now)));
        Receive<BlocksEvaluated>(message => Carry(machine.Handle(message, Now)));
        Receive<CheckpointWritten>(message => Carry(machine.Handle(message)));
        Receive<CheckpointFailed>(message => Carry(machine.Handle(message)));
        Receive<StateKept>(message => Carry(machine.Handle(message)));
        Receive<BestRestored>(message => Carry(machine.Handle(message)));
        Receive<StepDiverged>(message => Carry(machine.Handle(message)));
        Receive<DuplicatesDiffer>(message => Carry(machine.Handle(message)));
        Receive<WorkerPace>(message =>
        {
            if (nodes.TryGetValue(message.Worker.Number, out Node? node) && message.BusySeconds > 0)
            {
                node.ShardsPerSecond = message.Shards / message.BusySeconds;
            }

            Carry(machine.Handle(message));
        });
        Receive<StopRequested>(message =>
        {
            keeperStops = true;
            stopWhenGathered = !gathered;
            Carry(gathered ? machine.Handle(message) : []);
        });
        Receive<NodeReport>(Accept);
        Receive<ReportsAreDue>(_ => Conclude());
        Receive<AskStatus>(_ => Sender.Tell(Status()));
        Receive<SubmitRun>(_ => AcceptRun());
        Receive<KeeperHeard>(message => outbox.Handle(message, Now));
        Receive<StepsAreDue>(_ => Send(outbox.Flush(Now)));
        Receive<ProgressDue>(message =>
        {
            Send(outbox.Repeat(Now));
            InviteWhoDidNotAnswer();
            Carry(gathered ? machine.Handle(message, Now) : []);
        });
    }

    private void Carry(IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (CoordinatorEffect effect in effects)
        {
            switch (effect)
            {
                case PublishView publish:
                    Publish(publish.Message);
                    break;
                case SupplyRanges supply:
                    TellKeeper(new RangesWanted(supply.Arrangement));
                    break;
                case TellWorker tell:
                    ActorOf(tell.Worker.Number)?.Tell(tell.Message);
                    break;
                case TellParameterServer { Message: RestoreBest message }:
                    TellKeeper(message);
                    break;
                case TellParameterServer { Message: WriteCheckpoint message }:
                    TellKeeper(message);
                    TellServers(message);
                    break;
                case TellParameterServer tell:
                    TellServers(tell.Message);
                    break;
                case Notify notify:
                    Report(notify.Event);
                    break;
                case ReleaseNode release:
                    Release(release.Node);
                    break;
                case ConcludeRun conclude:
                    conclusion = conclude.Conclusion;
                    AskForReports();
                    break;
                case FailRun fail:
                    log.Error("the run failed: {0}", fail.Reason);
                    TellKeeper(new RunFailed(fail.Reason));
                    Leave();
                    break;
            }
        }

        RunWaiting? now = gathered ? machine.Waiting : null;
        if (now is not null && now != waiting)
        {
            Report(now);
        }

        waiting = now;
    }

    private void Publish(ViewPublished message)
    {
        log.Info("view {0}: {1}", message.View.Number, string.Join(", ", message.View.Ranges));
        var members = new MembersPublished([.. nodes.Values.Where(node => node.Hello is not null)
            .Select(node => new RunMember(node.Number, node.Id, node.Hello!.BulkAddress, node.Hello.Kernel, node.Threads))]);
        TellKeeper(members);
        TellKeeper(message);
        foreach (IActorRef receiver in nodes.Values.Select(node => node.Actor).OfType<IActorRef>())
        {
            receiver.Tell(members);
            receiver.Tell(message);
        }
    }

    private void TellServers(IParameterServerMessage message)
    {
        foreach (int server in machine.View.Arrangement.Servers)
        {
            ActorOf(server)?.Tell(message);
        }
    }

    private IActorRef? ActorOf(int number) => nodes.TryGetValue(number, out Node? node) ? node.Actor : null;

    private void Report(RunEvent runEvent)
    {
        if (runEvent is EpochCompleted epoch)
        {
            samplesPerSecond = epoch.Metrics.SamplesPerSecond;
        }

        switch (runEvent)
        {
            case CheckpointSaved:
                // Checkpoints are written, and told of, where the run is kept.
                break;
            case StepCommittedEvent step:
                ReportStep(step);
                break;
            default:
                TellKeeper(runEvent);
                break;
        }
    }

    private void AskForReports()
    {
        EndOnNodes();
        Timers.StartSingleTimer("reports", new ReportsAreDue(), ReportPatience);
        ConcludeIfReported();
    }

    private void Accept(NodeReport report)
    {
        reports.Add(report);
        if (nodes.TryGetValue(report.Number, out Node? node))
        {
            node.HasReported = true;
        }

        ConcludeIfReported();
    }

    private void ConcludeIfReported()
    {
        if (conclusion is not null && nodes.Values.All(node => node.Actor is null || node.HasReported))
        {
            Conclude();
        }
    }

    private void Conclude()
    {
        TellKeeper(moves && !keeperStops && conclusion!.Status == RunStatus.Stopped
            ? new RunMoves(null)
            : new RunConcluded(conclusion!, [.. reports.OrderBy(report => report.Number)]));
        foreach (Node node in nodes.Values.Where(node => node.WantsToLeave))
        {
            node.Agent.Tell(new NodeReleased(node.Id));
        }

        leavesWithRun?.Agent.Tell(new NodeReleased(selfId));
        nodes.Clear();
        Leave();
    }

    private ClusterStatus Status() => new(
        [
            .. from node in nodes.Values
               let range = machine.View.Ranges.FirstOrDefault(range => range.Worker.Number == node.Number)
               select new NodeStatus(
                   node.Id,
                   "",
                   [],
                   false,
                   range?.First ?? -1,
                   range?.Count ?? 0,
                   machine.View.Arrangement.PiecesOf(node.Number).Sum(piece => piece.Length),
                   node.ShardsPerSecond),
        ],
        run.RunId,
        machine.View.Number,
        machine.Progress.Step,
        blueprint.Shape.TotalSteps,
        samplesPerSecond);

    private sealed record PatienceIsOver;

    private sealed record ReportsAreDue;
}
