using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <content>Nodes that are invited, come, leave and are lost.</content>
internal sealed partial class RunCoordinatorActor
{
    /// <summary>After what time a node that has not answered is asked again; whoever has to fetch the data first takes its time.</summary>
    private static readonly TimeSpan InvitationPatience = TimeSpan.FromSeconds(5);

    private readonly InvitationBook invitations = new(InvitationPatience);
    private RunCandidate? leavesWithRun;

    private void Invite(RunCandidate candidate)
    {
        if (nodes.Values.Any(known => known.Id == candidate.NodeId) || conclusion is not null)
        {
            return;
        }

        var node = new Node(nextNumber++, candidate);
        nodes[node.Number] = node;
        TellKeeper(new NodesAsked([node.Id]));
        SendInvitation(node);
    }

    private void SendInvitation(Node node)
    {
        invitations.Ask(node.Number, Now);
        node.Agent.Tell(new PrepareRun(run.Run, node.Number, run.Options, run.Fingerprint, run.Keeper, run.Folder, run.Offer));
    }

    private void InviteWhoDidNotAnswer()
    {
        foreach (int number in conclusion is null ? invitations.TakeDue(Now) : [])
        {
            SendInvitation(nodes[number]);
        }
    }

    private void Accept(NodePrepared message)
    {
        if (!invitations.Strike(message.Number))
        {
            return;
        }

        Node node = nodes[message.Number];

        node.Hello = message.Node;
        node.Actor = Sender;
        node.Threads = message.Threads;
        Context.Watch(Sender);
        log.Info("{0} is node {1} of the run: {2} threads, {3}", node.Id, node.Number, message.Threads, message.Node.Kernel);
        if (!gathered)
        {
            BeginIfGathered();
            return;
        }

        Carry(node.IsWorker ? machine.Handle(new WorkerJoined(node.Worker)) : []);
        Carry(node.IsServer ? machine.Handle(new ServerJoined(node.Number)) : []);
    }

    private void Accept(NodeRefused message)
    {
        if (!invitations.Strike(message.Number))
        {
            return;
        }

        nodes.Remove(message.Number);
        string reason = $"{message.NodeId}: {string.Join("; ", message.Reasons)}";
        log.Warning("node refused: {0}", reason);
        refusals.Add(reason);
        TellKeeper(message);
        if (!gathered)
        {
            BeginIfGathered();
        }
    }

    private void BeginIfGathered()
    {
        if (!gathered && nodes.Values.All(node => node.Actor is not null))
        {
            Begin();
        }
    }

    /// <summary>All who were there have answered, or were given time enough.</summary>
    private void Begin()
    {
        if (gathered)
        {
            return;
        }

        List<Node> prepared = [.. nodes.Values.Where(node => node.Actor is not null)];
        int workers = prepared.Count(node => node.IsWorker);
        if ((workers == 0 || workers < minimumWorkers || !prepared.Exists(node => node.IsServer)) && refusals.Count > 0)
        {
            TellKeeper(new RunRefused(run.Run, [.. refusals, $"{workers} workers are ready, cluster.minimumWorkers is {minimumWorkers}"]));
            Leave();
            return;
        }

        if (blueprint.Shape.Sharing?.Rule.ProblemWith(run.Shares ?? Math.Max(workers, minimumWorkers), blueprint.Shape.Shards) is { } problem)
        {
            TellKeeper(new RunRefused(run.Run, [problem]));
            Leave();
            return;
        }

        gathered = true;
        Carry(machine.Handle(new NodesGathered(
            [.. prepared.Where(node => node.IsWorker).Select(node => node.Worker)],
            [.. prepared.Where(node => node.IsServer).Select(node => node.Number)])));
        Carry(stopWhenGathered ? machine.Handle(new StopRequested()) : []);
    }

    private void Lose(Node? node, string reason)
    {
        if (node is null || !nodes.Remove(node.Number))
        {
            return;
        }

        invitations.Strike(node.Number);
        if (conclusion is not null)
        {
            ConcludeIfReported();
            return;
        }

        if (!gathered)
        {
            BeginIfGathered();
            return;
        }

        if (node.IsReleased)
        {
            return;
        }

        log.Warning("{0} is lost: {1}", node.Id, reason);
        Carry(machine.Handle(new NodeLost(node.Number, $"{node.Id}: {reason}"), Now));
    }

    private void Accept(NodeWantsToLeave message)
    {
        if (message.NodeId == selfId && gathered)
        {
            // The run stops with a checkpoint of the step in flight, and the next coordinator goes on from it.
            log.Info("the coordinator's node leaves: the run moves to another");
            moves = true;
            leavesWithRun = new RunCandidate(selfId, Context.ActorSelection("/user/node"), false, false, 0);
            Carry(machine.Handle(new StopRequested()));
            return;
        }

        if (nodes.Values.FirstOrDefault(node => node.Id == message.NodeId) is not { } node)
        {
            Sender.Tell(new NodeReleased(message.NodeId));
            return;
        }

        node.WantsToLeave = true;
        log.Info("{0} leaves in order", node.Id);
        if (node.Actor is null || !gathered)
        {
            nodes.Remove(node.Number);
            invitations.Strike(node.Number);
            node.Agent.Tell(new NodeReleased(node.Id));
            BeginIfGathered();
            return;
        }

        Carry(machine.Handle(new NodeLeaving(node.Number)));
    }

    private void Release(int number)
    {
        if (nodes.TryGetValue(number, out Node? node))
        {
            log.Info("{0} is free to leave", node.Id);
            node.IsReleased = true;
            node.Actor?.Tell(new EndRun());
            node.Agent.Tell(new NodeReleased(node.Id));
        }
    }

    private sealed class Node(int number, RunCandidate candidate)
    {
        public int Number => number;

        public string Id => candidate.NodeId;

        public ActorSelection Agent => candidate.Agent;

        public bool IsWorker => candidate.IsWorker;

        public bool IsServer => candidate.IsServer;

        public int Uid => candidate.Uid;

        public WorkerId Worker => new(number, 0);

        public NodeHello? Hello { get; set; }

        public IActorRef? Actor { get; set; }

        public int Threads { get; set; }

        public bool WantsToLeave { get; set; }

        public bool IsReleased { get; set; }

        public bool HasReported { get; set; }

        public double ShardsPerSecond { get; set; }
    }
}
