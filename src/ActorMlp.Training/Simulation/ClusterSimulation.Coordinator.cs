using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <content>The coordinator of the run, and who is in it.</content>
public sealed partial class ClusterSimulation
{
    /// <summary>The run is submitted to a coordinator, which asks every node to take part.</summary>
    private void Submit(int to)
    {
        run++;
        coordinatorId = to;
        members.Clear();
        nextNumber = 0;
        (gathering, moves) = (true, false);
        keeper.Submit();
        coordinator = new CoordinatorMachine(Shape, keeper.Saved, Model.CreateDealer());
        int of = run;
        var invited = processes.Values.Where(process => process is { IsMember: true, Leaves: false }).ToList();
        int awaited = invited.Count;
        foreach (SimulatedProcess process in invited)
        {
            Invite(process, () => ToCoordinator(of, () =>
            {
                if (!gathering)
                {
                    Admit(process);
                }
                else if (--awaited == 0)
                {
                    Gathered();
                }
            }));
        }

        // Who does not answer is not waited for for ever.
        clock.After(options.DetectionTime * 2, () => ToCoordinator(of, Gathered));
    }

    private void Invite(SimulatedProcess process, Action prepared)
    {
        int of = run, number = nextNumber++;
        members[number] = process;
        network.Send(coordinatorId, process.Id, Plane.Control, 2000, () => process.Do(() =>
        {
            if (of != run || !process.IsMember)
            {
                return;
            }

            process.Node = new SimulatedNode(this, process, of, number);
            network.Send(process.Id, coordinatorId, Plane.Control, 200, prepared);
        }));
    }

    private void Gathered()
    {
        if (!gathering)
        {
            return;
        }

        gathering = false;
        List<int> prepared = [.. members.Where(member => member.Value.Node?.Number == member.Key && member.Value.Node.Run == run).Select(member => member.Key)];
        gathered.Clear();
        gathered.UnionWith(prepared);
        Carry(coordinator!.Handle(new NodesGathered(
            [.. prepared.Select(number => new WorkerId(number, 0))], [.. prepared.Where(number => members[number].IsServer)])));
    }

    private void Handle(ICoordinatorMessage message) => Carry(message switch
    {
        RangeReady one => coordinator!.Handle(one, clock.Now),
        StepCommitted one => coordinator!.Handle(one, clock.Now),
        BlocksEvaluated one => coordinator!.Handle(one, clock.Now),
        CheckpointWritten one => coordinator!.Handle(one),
        CheckpointFailed one => coordinator!.Handle(one),
        BestRestored one => coordinator!.Handle(one),
        StepDiverged one => coordinator!.Handle(one),
        DuplicatesDiffer one => coordinator!.Handle(one),
        WorkerPace one => coordinator!.Handle(one),
        _ => throw new InvalidOperationException($"no coordinator handles {message}"),
    });

    private void Carry(IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (CoordinatorEffect effect in effects)
        {
            switch (effect)
            {
                case PublishView publish:
                    ToKeeper(() => keeper.Handle(publish.Message));
                    foreach (int number in members.Keys)
                    {
                        FromCoordinator(number, publish.Message);
                    }

                    break;
                case SupplyRanges supply:
                    ToKeeper(() => keeper.Supply(supply.Arrangement));
                    break;
                case TellWorker tell:
                    FromCoordinator(tell.Worker.Number, tell.Message);
                    break;
                case TellParameterServer { Message: RestoreBest }:
                    ToKeeper(keeper.RestoreBest);
                    break;
                case TellParameterServer { Message: WriteCheckpoint message }:
                    ToKeeper(() => keeper.Handle(message));
                    TellServers(message);
                    break;
                case TellParameterServer tell:
                    TellServers(tell.Message);
                    break;
                case Notify notify:
                    events.Add(notify.Event);
                    break;
                case ReleaseNode release:
                    Release(release.Node);
                    break;
                case ConcludeRun conclude when moves && conclude.Conclusion.Status == RunStatus.Stopped:
                    ToKeeper(LetCoordinatorGo);
                    break;
                case ConcludeRun conclude:
                    ToKeeper(() => conclusion = conclude.Conclusion);
                    break;
                case FailRun when keeper.LostCheckpoint:
                    ResumeWhenThereIsRoom();
                    break;
                case FailRun fail:
                    failure = fail.Reason;
                    break;
            }
        }
    }

    private void TellServers(object message)
    {
        foreach (int server in coordinator!.View.Arrangement.Servers)
        {
            FromCoordinator(server, message);
        }
    }

    private void FromCoordinator(int number, object message)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = run;
            network.Send(coordinatorId, to.Id, Plane.Control, 500, () => Deliver(to, of, message));
        }
    }

    private void Release(int number)
    {
        if (members.Remove(number, out SimulatedProcess? process))
        {
            process.Kill();
            process.IsMember = false;
        }
    }

    /// <summary>The cluster knows that a process is gone.</summary>
    private void Lose(SimulatedProcess process)
    {
        if (!process.IsMember)
        {
            return;
        }

        process.IsMember = false;

        // A process that was only silent ends itself as soon as it learns that it was removed.
        process.Kill();
        if (process.Id == coordinatorId)
        {
            Failover("the coordinator was lost");
            return;
        }

        int number = members.FirstOrDefault(member => member.Value == process, new(-1, process)).Key;
        int of = run;
        ToCoordinator(of, () =>
        {
            members.Remove(number);
            if (number < 0 || gathering)
            {
                return;
            }

            Carry(coordinator!.Handle(new WorkerFailed(new WorkerId(number, 0), "lost", Final: true), clock.Now));
            if (process.IsServer)
            {
                Carry(coordinator.Handle(new ServerLost(number, "lost"), clock.Now));
            }
        });
    }

    private void Failover(string reason)
    {
        coordinator = null;
        run++;
        events.Add(new RunRewound(keeper.Saved.Step, reason));
        SubmitAgain();
    }

    /// <summary>The keeper submits again, as soon as the next singleton is there.</summary>
    private void SubmitAgain() => clock.After(options.HandoverTime, () =>
    {
        if (processes.Values.FirstOrDefault(process => process is { IsMember: true, IsAlive: true, Leaves: false }) is { } next)
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
