using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A node's part in a run: its worker and its parameter server. Hands what comes to their state machines and carries out what these decide. It computes
/// on the pool, never here; gradients leave from the pool piece by piece.
/// </summary>
#pragma warning disable CA1001 // An actor lets go of what it has in PostStop.
internal sealed partial class NodeRunActor : ReceiveActor, IWithTimers
#pragma warning restore CA1001
{
    private const int CommitsOfMessage = 100;
    private const int BlocksOfMessage = 16;
    private static readonly TimeSpan OrphanPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan PaceInterval = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly PrepareRun run;
    private readonly NodeRunServices node;
    private readonly WorkerId self;
    private readonly ComputePool pool;
    private readonly RunLinks links;
    private readonly SortedDictionary<int, RunMember> members = [];
    private readonly List<BulkFrame> early = [];
    private readonly WaitingWeights waitingWeights = new();
    private readonly WeightsMachine weights = new();
    private IActorRef coordinator;
    private PreparedRun? prepared;
    private WorkerMachine? worker;
    private ParameterServerMachine? server;
    private View view = View.None;
    private int adoptions;
    private long stepsTakenPartIn;
    private long stepsApplied;
    private long paceShards;
    private TimeSpan paceBusy;
    private long paceSince;
    private readonly long began;

    public NodeRunActor(PrepareRun run, NodeRunServices node, IActorRef coordinator)
    {
        this.run = run;
        this.node = node;
        this.coordinator = coordinator;
        self = new WorkerId(run.Number, 0);
        pool = new ComputePool(node.Threads);
        links = new RunLinks(node.Endpoint, run.Run);
        began = paceSince = node.Time.GetTimestamp();
        Preparing();
    }

    /// <summary>Gives up waiting for another coordinator.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    private NodeEngine Engine => prepared!.Engine;

    public static Props Props(PrepareRun run, NodeRunServices node, IActorRef coordinator) =>
        Akka.Actor.Props.Create(() => new NodeRunActor(run, node, coordinator));

    protected override void PreStart()
    {
        node.Hub.Register(run.Run, Self);
        Context.Watch(coordinator);
        PreparedRun.PrepareAsync(run, node, pool).PipeTo(Self, Self);
    }

    protected override void PostStop()
    {
        log.Info(NodeRunLog.PartEnded, run.Number, run.Run, view.Number, stepsApplied);
        node.Hub.Forget(run.Run);
        receiver?.Dispose();
        DropGradients();
        ForgetKept(_ => true);
        arriving?.Clear();
        ForgetHeldWeights();
        early.ForEach(frame => frame.Payload.Dispose());
        waitingWeights.Clear();

        prepared?.Data.Dispose();
        pool.Dispose();
    }

    private void TakingPart()
    {
        TakingPartAnyhow();
        Receive<ViewPublished>(message => FromCoordinator(message) && message.View.Number > view.Number, Accept);
        Receive<StepOpened>(message => Carry(weights.Handle(message)));
        Receive<ComputeAlso>(message => Carry(weights.Handle(message)));
        Receive<LatenessDue>(message => Carry(server!.Handle(message, node.Time.GetElapsedTime(began))));
        Receive<ContinueTraining>(FromCoordinator, message => Carry(server!.Handle(message)));
        Receive<HoldTraining>(FromCoordinator, message => Carry(server!.Handle(message)));
        Receive<WriteCheckpoint>(FromCoordinator, Accept);
        Receive<PieceMeasured>(message => Carry(server!.Handle(message)));
        Receive<BulkFrame>(Accept);
        Receive<Computed>(Accept);
        Receive<SubtreeComputed>(message => Carry(server!.Handle(message)));
        Receive<EvaluationFinished>(message => Carry(worker!.Handle(message)));
        Receive<UpdateMeasured>(message => Carry(server!.Handle(message)));
        Receive<UpdateApplied>(Accept);
        Receive<SumApplied>(Accept);
    }

    /// <summary>What a node does in any run.</summary>
    private void TakingPartAnyhow()
    {
        Receive<MembersPublished>(FromCoordinator, Accept);
        Receive<EvaluateBlocks>(FromCoordinator, message => Carry(weights.Handle(message)));
        Receive<Adopted>(_ => AcceptAdopted());
        Receive<EndRun>(FromCoordinator, _ =>
        {
            coordinator.Tell(new NodeReport(
                run.Number, node.Hello.NodeId, node.Hello.Kernel, pool.Threads, stepsTakenPartIn, links.GradientBytes, links.WeightBytes));
            Context.Stop(Self);
        });
        Receive<Terminated>(_ => WaitForCoordinator());
        Receive<OrphanedForLong>(_ =>
        {
            log.Warning("no coordinator came within {0}: the node's part in run {1} ends", OrphanPatience, run.Run);
            Context.Stop(Self);
        });
        Receive<ResumeRun>(Accept);
        Receive<PrepareRun>(FromCoordinator, _ => TellPrepared());
        Receive<Status.Failure>(failure =>
        {
            log.Error(failure.Cause, "the node's part in run {0} failed", run.Run);
            Context.Stop(Self);
        });
    }

    /// <summary>What a coordinator that is gone may still say does not count.</summary>
    private bool FromCoordinator<T>(T message) => Sender.Equals(coordinator);

    /// <summary>Training needs no coordinator: the run goes on until the next one asks where it stands.</summary>
    private void WaitForCoordinator() => Timers.StartSingleTimer("orphan", new OrphanedForLong(), OrphanPatience);

    private void TellPrepared() => coordinator.Tell(new NodePrepared(run.Number, node.Hello, pool.Threads));

    private void Follow(IActorRef next)
    {
        Timers.Cancel("orphan");
        Context.Unwatch(coordinator);
        coordinator = next;
        Context.Watch(coordinator);
    }

    private void Accept(ResumeRun message)
    {
        log.Info("another coordinator, {0}, takes run {1} over", Sender, run.Run);
        Follow(Sender);
        ServerStanding standing = shareHost?.Standing() ?? server!.Standing();
        foreach (StepCommitted[] commits in standing.Commits.Where(commit => commit.Step >= message.FromStep).Chunk(CommitsOfMessage))
        {
            Sender.Tell(new CommitsTold(run.Number, commits));
        }

        Sender.Tell(new NodeStanding(
            run.Number,
            node.Hello,
            pool.Threads,
            standing.View,
            standing.Continued,
            standing.IsReady,
            IsPrepared: true,
            weights.HasWeights,
            standing.Epochs,
            [.. standing.Views.Where(view => view.Number > message.LastView)]));
    }

    private void Accept(MembersPublished message)
    {
        foreach (RunMember gone in members.Values.Where(old => !message.Members.Contains(old)).ToList())
        {
            members.Remove(gone.Number);
        }

        foreach (RunMember member in message.Members)
        {
            members[member.Number] = member;
            if (member.Number != run.Number)
            {
                links.Connect(member.NodeId, member.BulkAddress, member.Number);
            }
        }
    }

    private void Accept(ViewPublished message)
    {
        if (message.View.Arrangement.Number > view.Arrangement.Number)
        {
            ForgetResults();
            BeginEncoding();
        }

        view = message.View;
        Carry(weights.Handle(message));
        Carry(server!.Handle(message));
        TakeEarly(Accept);
    }

    private void TakeEarly(Action<BulkFrame> accept)
    {
        List<BulkFrame> due = [.. early];
        early.Clear();
        due.ForEach(accept);
    }

    private void Accept(BulkFrame frame)
    {
        BulkHeader header = frame.Header;
        if ((header.Kind is BulkKind.Gradient or BulkKind.SecondGradient ? header.View : header.Arrangement) > view.Number)
        {
            early.Add(frame);
            return;
        }

        switch (header.Kind)
        {
            case BulkKind.Gradient or BulkKind.SecondGradient:
                AcceptGradient(frame);
                break;
            case BulkKind.Weights:
                AcceptWeights(frame, view.Arrangement.Pieces.Count);
                break;
            case BulkKind.State:
                AcceptState(frame);
                break;
            case BulkKind.Sum:
                AcceptSum(frame);
                break;
            case BulkKind.Commit:
                AcceptCommit(frame);
                break;
            default:
                frame.Payload.Dispose();
                break;
        }
    }

    private static WeightsArrived WeightsOf(BulkHeader header) => new(header.Arrangement, header.Step, (int)header.Offset, header.View, header.Held);

    private void AcceptWeights(BulkFrame frame, int pieces)
    {
        WeightsArrived message = WeightsOf(frame.Header);
        waitingWeights.Add(
            message,
            pieces,
            () =>
            {
                using (frame.Payload)
                {
                    Stage(message, frame.Payload.Floats);
                }
            },
            frame.Payload.Dispose);
        TakeWeights();
    }

    private void TakeWeights()
    {
        while (adoptions == 0 && waitingWeights.TryTake(weights, view.Arrangement.Pieces.Count))
        {
        }
    }

    private void Stage(WeightsArrived message, ReadOnlySpan<float> values)
    {
        if (weights.Takes(message))
        {
            Engine.Weights.Stage(message.Offset, values);
            Carry(weights.Handle(message));
        }
    }

    private void AcceptAdopted()
    {
        adoptions--;
        TakeWeights();
        while (adoptions == 0 && heldWeights.TryDequeue(out HeldWeights? held))
        {
            Accept(held);
        }
    }

    private void Accept(Computed message)
    {
        if (message.Failure is { } failure)
        {
            coordinator.Tell(new WorkerFailed(self, failure.GetBaseException().Message, Final: true));
            throw new InvalidOperationException(failure.GetBaseException().Message, failure);
        }

        Keep(message);
        Carry(worker!.Handle(new SubtreeFinished(
            message.Task.Step, message.Task.Node, message.Gradient!.Totals, new GradientPart(message.Task.Node, message.Gradient.Floats.Floats), message.Task.View)));
        paceShards += message.Task.Node.ShardCount;
        paceBusy += message.Busy;
        if (node.Time.GetElapsedTime(paceSince) >= PaceInterval)
        {
            coordinator.Tell(new WorkerPace(self, paceShards, paceBusy.TotalSeconds));
            (paceShards, paceBusy, paceSince) = (0, TimeSpan.Zero, node.Time.GetTimestamp());
        }
    }

    private void Carry(IReadOnlyList<WeightsEffect> effects)
    {
        foreach (WeightsEffect effect in effects)
        {
            switch (effect)
            {
                case AdoptWeights adopt:
                    adoptions++;
                    if (adopt.Held && adopt.Step > view.Arrangement.Step && adopt.Step <= prepared!.Setup.Shape.TotalSteps)
                    {
                        SendResiduals(adopt.Step);
                    }

                    Engine.AdoptAsync().PipeTo(Self, Self, _ => new Adopted());
                    break;
                case HandToWorker hand when shareWorker is not null:
                    Carry(hand.Message is EvaluateBlocks evaluate ? shareWorker.Handle(evaluate) : []);
                    break;
                case HandToWorker hand:
                    Carry(hand.Message switch
                    {
                        ViewPublished message => worker!.Handle(message),
                        StepOpened message => worker!.Handle(message),
                        ComputeAlso message => worker!.Handle(message),
                        EvaluateBlocks message => worker!.Handle(message),
                        _ => throw new InvalidOperationException($"no worker handles {hand.Message}"),
                    });
                    break;
            }
        }
    }

    private void Carry(IReadOnlyList<WorkerEffect> effects)
    {
        foreach (WorkerEffect effect in effects)
        {
            switch (effect)
            {
                case ComputeSubtree compute:
                    Compute(compute);
                    break;
                case SendSubtree send:
                    Send(send.Result);
                    break;
                case ComputeShare compute:
                    ComputeShare(compute.Work);
                    break;
                case SendShare send:
                    Send(send.Result);
                    break;
                case RunEvaluation evaluate:
                    // Part by part: whoever waits for it sees that it goes on.
                    for (int first = evaluate.Command.FirstBlock; first < evaluate.Command.EndBlock; first += BlocksOfMessage)
                    {
                        Engine.EvaluateAsync(evaluate.Command with { FirstBlock = first, EndBlock = Math.Min(first + BlocksOfMessage, evaluate.Command.EndBlock) })
                            .PipeTo(Self, Self, result => new EvaluationFinished(result));
                    }

                    break;
                case SendEvaluation send:
                    coordinator.Tell(send.Result);
                    break;
            }
        }
    }

    /// <summary>The staged weights are the current ones.</summary>
    private sealed record Adopted;

    private sealed record OrphanedForLong;
}
