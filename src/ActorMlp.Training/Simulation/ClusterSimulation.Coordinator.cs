using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <content>The coordinator of the run, and who is in it.</content>
public sealed partial class ClusterSimulation
{
    /// <summary>Whether nothing is to happen that loses or holds up messages: then patience, which repairs much, must never be needed.</summary>
    private readonly bool nothingIsLate;

    /// <summary>The run is submitted to a coordinator, which asks every node to take part.</summary>
    private void Submit(int to, string? goesBackFor = null)
    {
        run++;
        coordinatorId = to;
        members.Clear();
        nextNumber = 0;
        joined.Clear();
        (gathering, moves) = (true, false);
        keeper.Submit(run, goesBackFor);
        keeper.Follow(run, to);
        coordinator = new CoordinatorMachine(Shape, keeper.Saved, Model.CreateDealer(), keeper.LastView);
        BeginToTell();
        invitations = CreateInvitations();
        int of = run;
        foreach (SimulatedProcess process in processes.Values.Where(process => process is { IsMember: true, Leaves: false }).ToList())
        {
            Invite(process);
        }

        Tick(of);

        // Who does not answer is not waited for for ever.
        clock.After(options.DetectionTime * 2, () => ToCoordinator(of, Gathered));
    }

    private void Tick(int of)
    {
        CoordinatorMachine ticked = coordinator!;
        clock.After(options.LateAfter < options.DetectionTime ? options.LateAfter : options.DetectionTime, () => ToCoordinator(of, () =>
        {
            if (coordinator == ticked)
            {
                foreach (int number in invitations.TakeDue(clock.Now))
                {
                    SendInvitation(number);
                }

                ToKeeper(outbox.Repeat(clock.Now));
                Carry(coordinator.Handle(new ProgressDue(), clock.Now));
                Tick(of);
            }
        }));
    }

    private InvitationBook CreateInvitations() => new(options.DetectionTime / 2);

    private void Invite(SimulatedProcess process)
    {
        int number = nextNumber++;
        members[number] = process;
        invitations.Ask(number, clock.Now);
        SendInvitation(number);
    }

    private void SendInvitation(int number)
    {
        int of = run, by = coordinatorId;
        SimulatedProcess process = members[number];
        network.Send(by, process.Id, Plane.Control, 2000, () => process.Do(() =>
        {
            if (of != run || by != coordinatorId || !process.IsMember)
            {
                return;
            }

            if (process.Node is not { } node || node.Run != of || node.Number != number)
            {
                TakePart(process, number);
            }

            network.Send(process.Id, by, Plane.Control, 200, () => ToCoordinator(of, by, () => Prepared(number)));
        }));
    }

    private void TakePart(SimulatedProcess process, int number)
    {
        process.Node = Model.Shape.Sharing is null
            ? new SimulatedNode(this, process, run, number)
            : new SimulatedShareNode(this, process, run, number);
        if (ServerShape.StragglerFactor > 0 && Model.Shape.Sharing is null)
        {
            WatchForStragglers(process.Node);
        }
    }

    /// <summary>A node is ready.</summary>
    private void Prepared(int number)
    {
        if (!invitations.Strike(number))
        {
            return;
        }

        if (!gathering)
        {
            Joined(number, members[number]);
        }
        else if (invitations.IsEmpty)
        {
            Gathered();
        }
    }

    private void WatchForStragglers(ISimulatedNode node) => clock.After(options.LateAfter / 3, () => node.Process.Do(() =>
    {
        if (node.Process.Node == node)
        {
            node.Handle(new LatenessDue());
            WatchForStragglers(node);
        }
    }));

    private void Gathered()
    {
        if (!gathering)
        {
            return;
        }

        gathering = false;
        List<int> prepared = [.. members.Keys.Where(number => !invitations.Awaits(number))];
        joined.UnionWith(prepared);
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
        StateKept one => coordinator!.Handle(one),
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
                    TellKeeper(publish.Message);
                    foreach (int number in members.Keys)
                    {
                        FromCoordinator(number, publish.Message);
                    }

                    break;
                case SupplyRanges supply:
                    TellKeeper(new RangesWanted(supply.Arrangement));
                    break;
                case TellWorker tell:
                    FromCoordinator(tell.Worker.Number, tell.Message);
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
                case Notify { Event: StepCommittedEvent step }:
                    ReportStep(step);
                    break;
                case Notify notify:
                    TellKeeper(notify.Event);
                    if (notify.Event is RunStalled && nothingIsLate)
                    {
                        Watch.Break($"the run stood still after step {coordinator!.Progress.Step} although no message was lost or late");
                    }

                    break;
                case ReleaseNode release:
                    Release(release.Node);
                    break;
                case ConcludeRun conclude:
                    TellKeeper(conclude.Conclusion.Status != RunStatus.Stopped ? conclude.Conclusion
                        : moves ? new RunMoves(null)
                        : new RunStops("the last node that held parameters left"));
                    break;
                case FailRun when keeper.LostCheckpoint:
                    ResumeAfter("a checkpoint could not be written: the disk is full");
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
            invitations.Strike(number);
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
            Failover();
            return;
        }

        int number = members.FirstOrDefault(member => member.Value == process, new(-1, process)).Key;
        int of = run;
        ToCoordinator(of, () =>
        {
            members.Remove(number);
            invitations.Strike(number);
            if (number >= 0 && !gathering)
            {
                Carry(coordinator!.Handle(new NodeLost(number, "lost"), clock.Now));
            }
            else if (gathering && invitations.IsEmpty)
            {
                Gathered();
            }
        });
    }

    private void Joined(int number, SimulatedProcess process)
    {
        joined.Add(number);
        Carry(coordinator!.Handle(new WorkerJoined(new WorkerId(number, 0))));
        if (process.IsServer)
        {
            Carry(coordinator.Handle(new ServerJoined(number)));
        }
    }
}
