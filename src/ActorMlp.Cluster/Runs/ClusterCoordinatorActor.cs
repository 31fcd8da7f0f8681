using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Messages;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Runs;

/// <summary>The cluster's coordinator, a singleton: takes one run at a time, and tells it of nodes that come and go.</summary>
internal sealed class ClusterCoordinatorActor : ReceiveActor
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly AkkaCluster cluster = AkkaCluster.Get(Context.System);
    private readonly TimeProvider time;
    private IActorRef run = ActorRefs.Nobody;
    private SubmitRun? current;
    private bool leaving;

    public ClusterCoordinatorActor(TimeProvider time)
    {
        this.time = time;
        Receive<ClusterEvent.MemberUp>(message => run.Tell(Candidate(message.Member)));
        Receive<ClusterEvent.MemberRemoved>(message => run.Tell(new NodeGone(IdOf(message.Member.Address))));
        Receive<ProcessGone>(message => run.Tell(message));
        Receive<SubmitRun>(Accept);
        Receive<RunIsOver>(_ => Forget(Sender));
        Receive<Terminated>(message => Forget(message.ActorRef));
        Receive<NodeWantsToLeave>(message =>
        {
            leaving |= message.NodeId == SelfId;
            if (current is null)
            {
                Sender.Tell(new NodeReleased(message.NodeId));
            }
            else
            {
                run.Forward(message);
            }
        });
        Receive<AskStatus>(_ =>
        {
            if (current is null)
            {
                Sender.Tell(Complete(null));
            }
            else
            {
                IActorRef who = Sender;
                AskRunAsync(run).PipeTo(Self, Self, status => new StatusOfRun(who, status));
            }
        });
        Receive<StatusOfRun>(message => message.Who.Tell(Complete(message.Status)));
    }

    private string SelfId => IdOf(cluster.SelfAddress);

    public static Props Props(TimeProvider time) => Akka.Actor.Props.Create(() => new ClusterCoordinatorActor(time));

    protected override void PreStart() => cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved));

    protected override void PostStop() => cluster.Unsubscribe(Self);

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(failure =>
    {
        log.Error(failure, "the run's coordinator failed");
        return Directive.Stop;
    });

    private static string IdOf(Address address) => new NodeAddress(address.Host, address.Port ?? 0).ToString();

    private static async Task<ClusterStatus?> AskRunAsync(IActorRef run)
    {
        try
        {
            return await run.Ask<ClusterStatus>(new AskStatus(), TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            // The run ended in this moment.
            return null;
        }
    }

    private void Accept(SubmitRun message)
    {
        if (leaving)
        {
            // The next coordinator takes it: whoever keeps the run asks again.
            return;
        }

        if (current is { } running)
        {
            if (running.Run != message.Run)
            {
                Sender.Tell(new RunRefused(message.Run, [$"the cluster is busy with the run {running.RunId}; one run at a time"]));
            }
            else
            {
                run.Forward(message);
            }

            return;
        }

        RunCandidate[] candidates = [.. cluster.State.Members
            .Where(member => member.Status == MemberStatus.Up)
            .OrderBy(member => member.Address, Member.AddressOrdering)
            .Select(Candidate)
            .Where(candidate => candidate.IsWorker || candidate.IsServer)];
        if (candidates.Length == 0)
        {
            Sender.Tell(new RunRefused(message.Run, [$"no node of the cluster has the role {NodeRoles.Worker} or {NodeRoles.ParameterServer}"]));
            return;
        }

        log.Info("run {0} is submitted; {1} nodes", message.RunId, candidates.Length);
        current = message;
        run = Context.ActorOf(RunCoordinatorActor.Props(message, Sender, candidates, SelfId, time));
        Context.Watch(run);
    }

    private void Forget(IActorRef over)
    {
        if (over.Equals(run))
        {
            run = ActorRefs.Nobody;
            current = null;
        }
    }

    private RunCandidate Candidate(Member member) => new(
        IdOf(member.Address),
        Context.ActorSelection($"{member.Address}/user/node"),
        member.HasRole(NodeRoles.Worker),
        member.HasRole(NodeRoles.ParameterServer),
        member.UniqueAddress.Uid);

    private ClusterStatus Complete(ClusterStatus? status) => new(
        [
            .. from member in cluster.State.Members.OrderBy(member => member.Address, Member.AddressOrdering)
               let id = IdOf(member.Address)
               let known = status?.Nodes.FirstOrDefault(node => node.NodeId == id)
               select (known ?? new NodeStatus(id, "", [], false, -1, 0, 0, 0)) with
               {
                   Status = cluster.State.Unreachable.Contains(member) ? "unreachable" : member.Status.ToString().ToLowerInvariant(),
                   Roles = [.. member.Roles.Order(StringComparer.Ordinal)],
                   Coordinates = member.Address == cluster.SelfAddress,
               },
        ],
        status?.RunId,
        status?.View ?? 0,
        status?.Step ?? 0,
        status?.TotalSteps ?? 0,
        status?.SamplesPerSecond ?? 0);

    private sealed record StatusOfRun(IActorRef Who, ClusterStatus? Status);
}
