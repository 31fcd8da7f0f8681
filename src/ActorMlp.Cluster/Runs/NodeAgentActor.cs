using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node's agent needs.</summary>
/// <param name="Describe">The node's introduction, given where its bulk plane listens.</param>
/// <param name="BulkPlane">Makes the actor of the bulk plane, given who takes frames and who is told.</param>
/// <param name="Services">Makes what runs need.</param>
/// <param name="Leave">Leaves the cluster and ends the process's node.</param>
internal sealed record NodeAgentOptions(
    Func<BulkEndpoint, NodeHello> Describe,
    Func<IBulkSink, IActorRef, Props> BulkPlane,
    Func<NodeHello, BulkEndpoint, BulkHub, NodeRunServices> Services,
    Action Leave);

/// <summary>
/// A node as others know it, <c>/user/node</c>: it takes part in runs as the coordinator asks, passes to the coordinator what clients send, and sees to it that
/// the node leaves in order.
/// </summary>
internal sealed class NodeAgentActor : ReceiveActor, IWithTimers, IWithStash
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly NodeAgentOptions options;
    private readonly BulkHub hub = new();
    private readonly List<IActorRef> askedToLeave = [];
    private readonly TaskCompletionSource<NodeHello> ready;
    private readonly IActorRef coordinator;
    private NodeRunServices? services;
    private bool leaving;

    public NodeAgentActor(NodeAgentOptions options, IActorRef coordinator, TaskCompletionSource<NodeHello> ready)
    {
        this.options = options;
        this.coordinator = coordinator;
        this.ready = ready;
        Receive<BulkPlaneReady>(message =>
        {
            NodeHello hello = options.Describe(message.Endpoint);
            services = options.Services(hello, message.Endpoint, hub);
            ready.TrySetResult(hello);
            Become(Serving);
            Stash.UnstashAll();
        });
        ReceiveAny(_ => Stash.Stash());
    }

    /// <summary>Gives up waiting.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Keeps what comes before the bulk plane listens.</summary>
    public IStash Stash { get; set; } = null!;

    protected override void PreStart() => Context.ActorOf(options.BulkPlane(hub, Self), "bulk");

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(failure =>
    {
        ready.TrySetException(failure.GetBaseException());
        return Directive.Stop;
    });

    private void Serving()
    {
        Receive<PrepareRun>(run =>
        {
            string name = NodeRunServices.NameOf(run.Run);
            if (Context.Child(name).IsNobody())
            {
                Context.ActorOf(NodeRunActor.Props(run, services!, Sender), name);
            }
            else
            {
                // The one before still winds up.
                Context.Stop(Context.Child(name));
                Context.System.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(100), Self, run, Sender);
            }
        });
        Receive<SubmitRun>(coordinator.Forward);
        Receive<AskStatus>(coordinator.Forward);
        Receive<LeaveCluster>(_ => Leave(Sender));
        Receive<NodeReleased>(message => message.NodeId == services!.Hello.NodeId, _ => Go());
        Receive<PatienceIsOver>(_ =>
        {
            log.Warning("nobody let this node go within {0}; it leaves now", Patience);
            Go();
        });
        ReceiveAny(_ =>
        {
            // Connections that come and go are the business of runs.
        });
    }

    private void Leave(IActorRef who)
    {
        askedToLeave.Add(who);
        if (!leaving)
        {
            leaving = true;
            log.Info("leaving in order");
            coordinator.Tell(new NodeWantsToLeave(services!.Hello.NodeId));
            Timers.StartSingleTimer("patience", new PatienceIsOver(), Patience);
        }
    }

    private void Go()
    {
        Timers.CancelAll();
        askedToLeave.ForEach(who => who.Tell(new NodeReleased(services!.Hello.NodeId)));
        askedToLeave.Clear();
        options.Leave();
    }

    private sealed record PatienceIsOver;
}
