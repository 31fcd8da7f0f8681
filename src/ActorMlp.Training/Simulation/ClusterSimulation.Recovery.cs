using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <content>The coordinator is lost, or leaves: who takes the run, and what that one knows.</content>
public sealed partial class ClusterSimulation
{
    /// <summary>The coordinator is gone: as soon as the next singleton is there, it asks the nodes where the run stands.</summary>
    private void Failover()
    {
        coordinator = null;
        keeper.LoseCoordinator(coordinatorId);
        int lost = run;
        clock.After(options.HandoverTime, () =>
        {
            if (run != lost)
            {
                // The run was submitted anew meanwhile.
                return;
            }

            if (Next() is not { } next)
            {
                Failover();
                return;
            }

            coordinatorId = next.Id;
            keeper.Follow(run, next.Id);
            BeginToTell();
            gathering = false;
            moves = false;
            var standings = new SortedDictionary<int, (SimulatedProcess Process, ServerStanding Standing)>();
            int of = run;
            SimulatedProcess[] asked = [.. processes.Values.Where(process => process is { IsMember: true, Node: { } node } && node.Run == of)];
            foreach (SimulatedProcess process in asked)
            {
                network.Send(next.Id, process.Id, Plane.Control, 200, () => process.Do(() =>
                {
                    if (process.Node is { } node && node.Run == of)
                    {
                        ServerStanding standing = node.Standing();
                        network.Send(process.Id, next.Id, Plane.Control, 500, () => next.Do(() =>
                        {
                            standings[node.Number] = (process, standing);
                            if (standings.Count == asked.Length)
                            {
                                TakeOver(of, next, standings);
                            }
                        }));
                    }
                }));
            }

            clock.After(options.DetectionTime, () => next.Do(() => TakeOver(of, next, standings)));
        });
    }

    private void TakeOver(int of, SimulatedProcess by, SortedDictionary<int, (SimulatedProcess Process, ServerStanding Standing)> answers)
    {
        if (of != run || by.Id != coordinatorId || coordinator is not null || conclusion is not null)
        {
            return;
        }

        // Who was lost meanwhile has answered in vain; whom the last coordinator invited may know nothing of it.
        var standings = new SortedDictionary<int, ServerStanding>();
        members.Clear();
        foreach ((int number, (SimulatedProcess process, ServerStanding standing)) in answers.Where(answer => answer.Value.Process.IsMember))
        {
            standings[number] = standing;
            members[number] = process;
        }

        if (standings.Values.MaxBy(standing => standing.View.Number) is not { View: { Number: > 0 } view })
        {
            Submit(by.Id, "the coordinator was lost, and no node has begun the run");
            return;
        }

        int[] known = [.. view.Ranges.Select(range => range.Worker.Number).Union(view.Arrangement.Servers)];
        ServerStanding[] ready = [.. standings.Where(standing => view.Arrangement.Servers.Contains(standing.Key)).Select(standing => standing.Value)
            .Where(standing => standing.IsReady && standing.View.Arrangement.Number == view.Arrangement.Number)];
        coordinator = new CoordinatorMachine(Shape, keeper.Saved, Model.CreateDealer(), keeper.LastView);
        invitations = CreateInvitations();
        Tick(of);
        Carry(coordinator.Handle(
            new RunRecovered(
                view,
                [.. view.Ranges.Select(range => range.Worker)],
                [.. standings.Where(standing => !standing.Value.HasWeights).Select(standing => new WorkerId(standing.Key, 0))],
                [.. view.Arrangement.Servers.Union(standings.Keys.Where(number => members[number].IsServer && known.Contains(number)))],
                [.. standings.Values.SelectMany(standing => standing.Commits).DistinctBy(commit => commit.Step).OrderBy(commit => commit.Step)],
                standings.Values.Max(standing => standing.Continued),
                ready.Length == standings.Keys.Count(view.Arrangement.Servers.Contains),
                keeper.Newest,
                [.. ready.SelectMany(standing => standing.Epochs)],
                [.. ready.SelectMany(standing => standing.Views)]),
            clock.Now));
        foreach (int gone in known.Where(number => !standings.ContainsKey(number)))
        {
            Carry(coordinator.Handle(new NodeLost(gone, "lost"), clock.Now));
        }

        foreach (int number in standings.Keys.Except(known).ToArray())
        {
            Joined(number, members[number]);
        }

        foreach (SimulatedProcess stranger in processes.Values.Where(process => process is { IsMember: true, IsAlive: true, Leaves: false } && !members.ContainsValue(process)).ToArray())
        {
            Invite(stranger);
        }
    }

    private SimulatedProcess? Next() =>
        processes.Values.FirstOrDefault(process => process is { IsMember: true, IsAlive: true, Leaves: false });

    /// <summary>The keeper submits again, as soon as the next singleton is there.</summary>
    private void SubmitAgain() => clock.After(options.HandoverTime, () =>
    {
        if (Next() is { } next)
        {
            Submit(next.Id);
        }
        else
        {
            SubmitAgain();
        }
    });

    /// <summary>The run stopped as the coordinator's node leaves: it goes, and the run with the next.</summary>
    private void LetCoordinatorGo()
    {
        coordinator = null;
        run++;
        SimulatedProcess gone = processes[coordinatorId];
        gone.IsMember = false;
        gone.Kill();
        SubmitAgain();
    }
}
