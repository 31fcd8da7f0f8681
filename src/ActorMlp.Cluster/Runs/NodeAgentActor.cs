using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node's agent needs.</summary>
/// <param name="Describe">The node's introduction, given where its bulk plane listens.</param>
/// <param name="BulkPlane">Makes the actor of the bulk plane, given who takes frames and who is told.</param>
/// <param name="Services">Makes what runs need.</param>
/// <param name="Leave">Leaves the cluster and ends the process's node.</param>
/// <param name="Met">Hears of each member of the cluster, by its name.</param>
internal sealed record NodeAgentOptions(
    Func<BulkEndpoint, NodeHello> Describe,
    Func<IBulkSink, IActorRef, Props> BulkPlane,
    Func<NodeHello, BulkEndpoint, BulkHub, NodeRunServices> Services,
    Action Leave,
    Action<string> Met);

/// <summary>
/// A node as others know it, <c>/user/node</c>: it takes part in runs as the coordinator asks, passes to the coordinator what clients send, and sees to it that
/// the node leaves in order.
/// </summary>
internal sealed class NodeAgentActor : ReceiveActor, IWithTimers, IWithStash
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long a connection outlasts the last sign that it is used: a node may be back under the same address, a keeper may submit again.</summary>
    private static readonly TimeSpan KeepConnections = TimeSpan.FromSeconds(10);

    private const string BulkName = "bulk";

    /// <summary>How the transport begins to say that a system refused a connection, as nobody listens at the port.</summary>
    private const string Refusal = "Connection refused";

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly NodeAgentOptions options;
    private readonly BulkHub hub = new();
    private readonly List<IActorRef> askedToLeave = [];
    private readonly Dictionary<string, int> connected = [];
    private readonly TaskCompletionSource<NodeHello> ready;
    private readonly IActorRef coordinator;
    private readonly AkkaCluster cluster = AkkaCluster.Get(Context.System);
    private NodeRunServices? services;
    private string? keeper;
    private bool leaving;
    private (PrepareRun Run, IActorRef Coordinator)? next;
    private (ulong Run, int Number, IActorRef By)? taken;

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

    protected override void PreStart()
    {
        Context.ActorOf(options.BulkPlane(hub, Self), BulkName);
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.MemberUp));
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        cluster.Unsubscribe(Self);
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(failure =>
    {
        ready.TrySetException(failure.GetBaseException());
        return Directive.Stop;
    });

    private void Serving()
    {
        Receive<PrepareRun>(message => Accept(message, Sender));
        Receive<Terminated>(_ =>
        {
            if (next is { } waiting)
            {
                next = null;
                Accept(waiting.Run, waiting.Coordinator);
            }
            else if (Context.GetChildren().All(child => child.Path.Name == BulkName))
            {
                DisconnectLater(keeper!);
            }
        });
        Receive<ClusterEvent.MemberRemoved>(message => DisconnectLater(IdOf(message.Member)));
        Receive<Disconnect>(message =>
        {
            if (Find(message.NodeId) is null)
            {
                Context.Child(BulkName).Tell(new DisconnectBulkPeer(message.NodeId));
            }
        });
        Receive<ClusterEvent.MemberUp>(message => options.Met(IdOf(message.Member)));
        Receive<BulkPeerConnected>(message =>
        {
            if (Find(message.Peer.NodeId) is { } member)
            {
                connected[message.Peer.NodeId] = member.UniqueAddress.Uid;
            }
        });
        Receive<BulkPeerRefused>(message => Down(message.NodeId));
        Receive<AssociationErrorEvent>(message => !message.IsInbound && message.Cause.Message.StartsWith(Refusal, StringComparison.Ordinal), message =>
        {
            // Also of nodes that no run has connected this one with.
            if (message.RemoteAddress is { Host: { } host, Port: { } port } && Find(new NodeAddress(host, port).ToString()) is { } member)
            {
                Down(member);
            }
        });
        Receive<ResumeRun>(message =>
        {
            IActorRef run = Context.Child(NodeRunServices.NameOf(message.Run));
            if (run.IsNobody())
            {
                Sender.Tell(new NoSuchRun(message.Run, services!.Hello.NodeId));
            }
            else
            {
                taken = taken is { } invitation && invitation.Run == message.Run ? invitation with { By = Sender } : taken;
                run.Forward(message);
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

    private static string IdOf(Member member) => new NodeAddress(member.Address.Host, member.Address.Port ?? 0).ToString();

    private void Accept(PrepareRun run, IActorRef by)
    {
        string name = NodeRunServices.NameOf(run.Run);
        IActorRef child = Context.Child(name);
        if (!child.IsNobody() && taken is { } before && (before.Run, before.Number) == (run.Run, run.Number) && before.By.Equals(by))
        {
            // The coordinator, of whom each message brings a reference of its own, has had no answer, and asks again.
            child.Tell(run, by);
            return;
        }

        if (!child.IsNobody())
        {
            // A coordinator that has since been lost asked before, and this one does not know of it: the node begins anew.
            next = (run, by);
            Context.Stop(child);
            return;
        }

        if (keeper is not null && keeper != run.Keeper.NodeId)
        {
            Self.Tell(new Disconnect(keeper));
        }

        keeper = run.Keeper.NodeId;
        Timers.Cancel(keeper);
        taken = (run.Run, run.Number, by);
        Context.Watch(Context.ActorOf(NodeRunActor.Props(run, services!, by), name));
    }

    /// <summary>
    /// A process that is gone need not be waited for: where its system refuses connections at the port that it had, heartbeats need not be missed first. A
    /// process that came in its place is another member.
    /// </summary>
    private void Down(string nodeId)
    {
        if (connected.Remove(nodeId, out int uid)
            && Find(nodeId) is { Status: MemberStatus.Up or MemberStatus.WeaklyUp } member
            && member.UniqueAddress.Uid == uid)
        {
            Down(member);
        }
    }

    private void Down(Member member)
    {
        if (member.Status is MemberStatus.Up or MemberStatus.WeaklyUp)
        {
            log.Warning("{0} does not listen any more: its process is gone", IdOf(member));
            PromptFailureDetector.GiveUp(cluster.FailureDetector, member.Address);
            cluster.Down(member.Address);
            coordinator.Tell(new ProcessGone(IdOf(member), member.UniqueAddress.Uid));
        }
    }

    private Member? Find(string nodeId) => cluster.State.Members.FirstOrDefault(member => IdOf(member) == nodeId);

    private void DisconnectLater(string nodeId) => Timers.StartSingleTimer(nodeId, new Disconnect(nodeId), KeepConnections);

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

    private sealed record Disconnect(string NodeId);
}
