using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <content>Takes over a run whose coordinator was lost: asks the nodes where it stands.</content>
internal sealed partial class RunCoordinatorActor
{
    private static readonly TimeSpan StandingPatience = TimeSpan.FromSeconds(2);

    private readonly SortedDictionary<int, (NodeStanding Standing, IActorRef Actor)> standings = [];
    private readonly List<StepCommitted> commits = [];
    private readonly HashSet<string> silent = [];
    private bool asks;

    private void AskWhereItStands(RunProgress newest)
    {
        asks = true;
        foreach (RunCandidate candidate in candidates)
        {
            silent.Add(candidate.NodeId);
            candidate.Agent.Tell(new ResumeRun(run.Run, newest.Step, run.LastView));
        }

        Timers.StartSingleTimer("standings", new StandingsAreDue(), StandingPatience);
    }

    private void Accept(NodeStanding message)
    {
        if (asks)
        {
            standings[message.Number] = (message, Sender);
            nextNumber = Math.Max(nextNumber, message.Number + 1);
            Answered(message.Node.NodeId);
        }
    }

    private void Answered(string nodeId)
    {
        if (asks && silent.Remove(nodeId) && silent.Count == 0)
        {
            TakeOver();
        }
    }

    /// <summary>A node that comes while others are asked is invited when they have answered: one that takes part already would begin anew.</summary>
    private void Meet(RunCandidate candidate)
    {
        if (!candidates.Exists(known => known.NodeId == candidate.NodeId && known.Uid == candidate.Uid))
        {
            Forget(known => known.NodeId == candidate.NodeId);
            candidates.Add(candidate);
        }
    }

    /// <summary>A node that is gone is not waited for, and what it may have answered does not count.</summary>
    private void Forget(Predicate<RunCandidate> isGone)
    {
        foreach (RunCandidate gone in candidates.FindAll(isGone))
        {
            candidates.Remove(gone);
            foreach (int number in standings.Where(one => one.Value.Standing.Node.NodeId == gone.NodeId).Select(one => one.Key).ToList())
            {
                standings.Remove(number);
            }

            Answered(gone.NodeId);
        }
    }

    /// <summary>Goes on from where the nodes are; where none of them has begun, from the last checkpoint.</summary>
    private void TakeOver()
    {
        if (!asks)
        {
            return;
        }

        asks = false;
        Timers.Cancel("standings");
        foreach ((int number, (NodeStanding standing, IActorRef actor)) in standings)
        {
            if (candidates.FirstOrDefault(candidate => candidate.NodeId == standing.Node.NodeId) is { } candidate)
            {
                var node = new Node(number, candidate) { Hello = standing.Node, Threads = standing.Threads };
                nodes[number] = node;
                if (standing.IsPrepared)
                {
                    node.Actor = actor;
                }
                else
                {
                    invitations.Ask(number, Now);
                }

                Context.Watch(actor);
            }
        }

        NodeStanding[] under = [.. standings.Values.Select(one => one.Standing).Where(standing => standing.View.Number > 0 && nodes.ContainsKey(standing.Number))];
        if (under.Length == 0)
        {
            const string Reason = "the coordinator was lost, and no node has begun the run";
            if (blueprint.Shape.Sharing is not null)
            {
                // Under another number: what is still on its way would have other bits than what comes.
                TellKeeper(new RunMoves(Reason));
                Leave();
                return;
            }

            machine.Handle(new RunNotBegun(Reason));
            Gather();
            return;
        }

        View view = under.MaxBy(standing => standing.View.Number)!.View;
        int[] known = [.. view.Ranges.Select(range => range.Worker.Number).Union(view.Arrangement.Servers)];
        NodeStanding[] ready = [.. under.Where(standing =>
            view.Arrangement.Servers.Contains(standing.Number) && standing.IsReady && standing.View.Arrangement.Number == view.Arrangement.Number)];
        nextNumber = Math.Max(nextNumber, known.Max() + 1);
        gathered = true;
        log.Info("the run is taken over in view {0}: {1} of {2} nodes are there", view.Number, under.Length, known.Length);
        Carry(machine.Handle(
            new RunRecovered(
                view,
                [.. view.Ranges.Select(range => range.Worker)],
                [.. under.Where(standing => !standing.HasWeights).Select(standing => nodes[standing.Number].Worker)],
                [.. view.Arrangement.Servers.Union(nodes.Values.Where(node => node.IsServer && known.Contains(node.Number)).Select(node => node.Number))],
                [.. commits.DistinctBy(commit => commit.Step).OrderBy(commit => commit.Step)],
                under.Max(standing => standing.Continued),
                ready.Length == under.Count(standing => view.Arrangement.Servers.Contains(standing.Number)),
                run.Newest!,
                [.. ready.SelectMany(standing => standing.Epochs)],
                [.. ready.SelectMany(standing => standing.Views)]),
            Now));
        foreach (int gone in known.Where(number => !nodes.ContainsKey(number)))
        {
            Carry(machine.Handle(new NodeLost(gone, "a node went with the coordinator"), Now));
        }

        foreach (Node node in nodes.Values.Where(node => node.Actor is not null && !known.Contains(node.Number)).ToList())
        {
            Carry(node.IsWorker ? machine.Handle(new WorkerJoined(node.Worker)) : []);
            Carry(node.IsServer ? machine.Handle(new ServerJoined(node.Number)) : []);
        }

        foreach (RunCandidate candidate in candidates)
        {
            Invite(candidate);
        }
    }

    private sealed record StandingsAreDue;
}
