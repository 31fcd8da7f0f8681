using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Simulation;

/// <content>What goes wrong.</content>
public sealed partial class ClusterSimulation
{
    private void Inflict(SimulatedFault fault)
    {
        if (fault.Kind == SimulatedFaultKind.Join)
        {
            Join(isServer: true);
            return;
        }

        if (fault.Kind == SimulatedFaultKind.Delay)
        {
            network.Delay = fault.Duration / 100;
            clock.After(fault.Duration, () => network.Delay = TimeSpan.Zero);
            return;
        }

        List<SimulatedProcess> there = [.. processes.Values.Where(process => process is { IsMember: true, IsAlive: true, Leaves: false })];
        if (there.Count < 2)
        {
            // The last one standing is left alone: the run would end with it.
            return;
        }

        SimulatedProcess target = (fault.Node < 0 ? there.Find(process => process.Id == coordinatorId) : null) ?? there[Math.Abs(fault.Node) % there.Count];
        switch (fault.Kind)
        {
            case SimulatedFaultKind.Crash:
                target.Kill();
                clock.After(options.DetectionTime, () => Lose(target));
                clock.After(options.DetectionTime + fault.Duration, () => Join(target.IsServer));
                break;
            case SimulatedFaultKind.Stop:
                target.Stop(fault.Duration);
                LoseIfSilent(target, fault.Duration);
                break;
            case SimulatedFaultKind.Partition:
                foreach (int other in processes.Keys.Append(KeeperId).Where(id => id != target.Id))
                {
                    network.Cut(target.Id, other);
                }

                clock.After(fault.Duration, network.Heal);
                LoseIfSilent(target, fault.Duration);
                break;
            case SimulatedFaultKind.Slow:
                target.Speed /= fault.Factor;
                break;
            case SimulatedFaultKind.Leave:
                Leave(target);
                break;
        }
    }

    private void LoseIfSilent(SimulatedProcess target, TimeSpan duration)
    {
        if (duration >= options.DetectionTime)
        {
            clock.After(options.DetectionTime, () => Lose(target));
            clock.After(options.DetectionTime + duration, () => Join(target.IsServer));
        }
    }

    private void Join(bool isServer)
    {
        int id = processes.Count;
        var process = new SimulatedProcess(id, isServer, clock);
        processes[id] = process;
        int of = run;
        if (coordinator is null || conclusion is not null)
        {
            // The next coordinator finds it among the others.
            return;
        }

        ToCoordinator(of, () =>
        {
            Invite(process, () => ToCoordinator(of, () =>
            {
                if (process.Node is not { } node || gathering)
                {
                    return;
                }

                Joined(node.Number, process);
            }));
        });
    }

    private void Leave(SimulatedProcess target)
    {
        if (gathering || coordinator is null
            || !processes.Values.Any(process => process is { IsMember: true, IsAlive: true, Leaves: false, IsServer: true } && process != target))
        {
            return;
        }

        target.Leaves = true;
        int of = run;
        ToCoordinator(of, () =>
        {
            if (target.Id == coordinatorId)
            {
                moves = true;
                Carry(coordinator!.Handle(new StopRequested()));
            }
            else if (target.Node is { } node)
            {
                Carry(coordinator!.Handle(new NodeLeaving(node.Number)));
            }
        });
    }
}
