using ActorMlp.Training.Faults;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Simulation;

/// <content>What goes wrong.</content>
public sealed partial class ClusterSimulation
{
    private readonly FaultSchedule schedule;
    private readonly List<StruckFault> struck = [];

    /// <summary>Who is in the place of each node of a fault script.</summary>
    private readonly List<SimulatedProcess> places = [];

    /// <summary>Whom the coordinator knows.</summary>
    private readonly HashSet<int> joined = [];

    private TimeSpan diskHasRoom;
    private int keeperStarts;
    private int timers;

    /// <summary>Whether a process can be struck: it is there, and stays.</summary>
    private static bool IsThere(SimulatedProcess process) => process is { IsMember: true, IsAlive: true, Leaves: false };

    private void AwaitNextFault()
    {
        if (schedule.NextTime is { } next)
        {
            // A timer that was set before something else came due first does nothing.
            int timer = ++timers;
            clock.After(next > clock.Now ? next - clock.Now : TimeSpan.Zero, () =>
            {
                if (timer == timers)
                {
                    InflictWhatIsDue();
                }
            });
        }
    }

    private void InflictWhatIsDue()
    {
        foreach (DueFault due in schedule.Due(coordinator?.Progress.Step ?? 0, clock.Now))
        {
            Inflict(due);
        }

        AwaitNextFault();
    }

    private void Inflict(DueFault due)
    {
        List<SimulatedProcess> targets = due.Fault.Kind is FaultKind.Join or FaultKind.FillDisk || due.Fault.Groups is not null ? [] : TargetsOf(due);
        string? skipped = due.Fault.Kind switch
        {
            FaultKind.Join => Started(),
            FaultKind.FillDisk => DiskFilled(due.Fault),
            FaultKind.Partition when due.Fault.Groups is { } groups => Divided(groups, due.Fault.Duration!.Value),
            _ when targets.Count == 0 => "nobody is there whom it could strike",
            FaultKind.Delay or FaultKind.Loss or FaultKind.Duplicate or FaultKind.Reorder or FaultKind.Corrupt => LinksDisturbed(due.Fault, targets),
            FaultKind.Slow => SlowedDown(due.Fault, targets),

            // The last one standing is left alone: the run would end with it.
            _ when processes.Values.Count(IsThere) <= targets.Count => "only those whom it would strike are there",
            _ => Struck(due.Fault, targets),
        };
        struck.Add(new StruckFault(
            clock.Now, coordinator?.Progress.Step ?? keeper.Saved.Step, due.Fault, skipped is null ? [.. targets.Select(process => process.Id)] : [], skipped));
    }

    private List<SimulatedProcess> TargetsOf(DueFault due)
    {
        List<SimulatedProcess> there = [.. processes.Values.Where(IsThere)];
        SimulatedProcess? Member(int number) => members.TryGetValue(number, out SimulatedProcess? process) && IsThere(process) ? process : null;
        IEnumerable<SimulatedProcess> Members(IEnumerable<int> numbers) => numbers.Select(Member).OfType<SimulatedProcess>();
        SimulatedProcess? InPlace(int number) => number < places.Count && IsThere(places[number]) ? places[number] : null;
        FaultTarget target = due.Fault.Target ?? FaultRules.Of(due.Fault.Kind).Default!;
        Views.View? view = coordinator?.View;
        SimulatedProcess? one = target.Kind switch
        {
            FaultTargetKind.Node => InPlace(target.Node),
            FaultTargetKind.Coordinator => there.Find(process => process.Id == coordinatorId) ?? due.ChooseFrom(there),
            FaultTargetKind.Lead => view is null ? null : Member(view.Arrangement.Lead),
            FaultTargetKind.ParameterServer => view is null ? null : due.ChooseFrom([.. Members(view.Arrangement.Servers)]),
            FaultTargetKind.Worker => view is null
                ? null
                : due.ChooseFrom([.. Members(view.Ranges.Where(range => range.Count > 0).Select(range => range.Worker.Number))]),
            FaultTargetKind.Random => due.ChooseFrom(there),
            _ => null,
        };
        return target.Kind switch
        {
            FaultTargetKind.All => there,
            FaultTargetKind.Pair => InPlace(target.Node) is { } first && InPlace(target.Other) is { } second ? [first, second] : [],
            _ => one is null ? [] : [one],
        };
    }

    private string? Started()
    {
        places.Add(Join(isServer: true));
        return null;
    }

    private string? DiskFilled(Fault fault)
    {
        TimeSpan until = clock.Now + fault.Duration!.Value;
        diskHasRoom = until > diskHasRoom ? until : diskHasRoom;
        return null;
    }

    private string? LinksDisturbed(Fault fault, List<SimulatedProcess> targets)
    {
        HashSet<int> ids = [.. targets.Select(process => process.Id)];
        bool breaks = fault.Kind is FaultKind.Duplicate or FaultKind.Reorder or FaultKind.Corrupt;
        var disturbance = new LinkDisturbance
        {
            Strikes = (fault.Target ?? FaultTarget.All).Kind switch
            {
                FaultTargetKind.All => (_, _) => true,
                FaultTargetKind.Pair => (from, to) => ids.Contains(from) && ids.Contains(to),
                _ => (from, to) => ids.Contains(from) || ids.Contains(to),
            },
            Plane = fault.Plane,
            Delay = fault.Kind == FaultKind.Delay ? fault.By!.Value : TimeSpan.Zero,
            LossRate = fault.Kind == FaultKind.Loss ? fault.Rate!.Value : 0,
            Until = clock.Now + (fault.Duration ?? TimeSpan.Zero),
            BreakRate = breaks ? fault.Rate ?? 1 : 0,
            Once = fault.Kind == FaultKind.Corrupt,
        };
        network.Begin(disturbance);
        if (fault.Duration is { } duration)
        {
            clock.After(duration, () => network.End(disturbance));
        }

        return null;
    }

    private string? SlowedDown(Fault fault, List<SimulatedProcess> targets)
    {
        double factor = fault.Factor!.Value;
        foreach (SimulatedProcess target in targets)
        {
            target.Speed /= factor;
            if (fault.Duration is { } duration)
            {
                clock.After(duration, () => target.Speed *= factor);
            }
        }

        return null;
    }

    private string? Struck(Fault fault, List<SimulatedProcess> targets)
    {
        foreach (SimulatedProcess target in targets)
        {
            switch (fault.Kind)
            {
                case FaultKind.Crash:
                    target.Kill();
                    clock.After(options.DetectionTime, () => Lose(target));
                    if (fault.RestartAfter is { } after)
                    {
                        clock.After(options.DetectionTime + after, () => Replace(target));
                    }

                    break;
                case FaultKind.Stop:
                    target.Stop(fault.Duration!.Value);
                    LoseIfSilent(target, fault.Duration.Value);
                    break;
                case FaultKind.Partition:
                    int alone = target.Id;
                    Cut((from, to) => from == alone != (to == alone), fault.Duration!.Value);
                    LoseIfSilent(target, fault.Duration.Value);
                    break;
                default:
                    return Left(target);
            }
        }

        return null;
    }

    /// <summary>Nodes in groups that cannot reach each other: the majority goes on, the others are given up if it lasts; of equals the one with the first node goes on.</summary>
    private string? Divided(IReadOnlyList<IReadOnlyList<int>> groups, TimeSpan duration)
    {
        var groupOf = new Dictionary<int, int>();
        for (int group = 0; group < groups.Count; group++)
        {
            foreach (int place in groups[group].Where(place => place < places.Count))
            {
                groupOf[places[place].Id] = group;
            }
        }

        Cut((from, to) => groupOf.GetValueOrDefault(from) != groupOf.GetValueOrDefault(to), duration);
        List<SimulatedProcess>[] sides = [.. processes.Values.Where(IsThere).GroupBy(process => groupOf.GetValueOrDefault(process.Id)).Select(side => side.ToList())];
        List<SimulatedProcess>? majority = sides.OrderByDescending(side => side.Count).ThenBy(side => side[0].Id).FirstOrDefault();
        foreach (SimulatedProcess process in sides.Where(side => side != majority).SelectMany(side => side))
        {
            LoseIfSilent(process, duration);
        }

        return null;
    }

    private void Cut(Func<int, int, bool> strikes, TimeSpan duration)
    {
        var cut = new LinkDisturbance { Strikes = strikes, Cuts = true };
        network.Begin(cut);
        clock.After(duration, () => network.End(cut));
    }

    private void LoseIfSilent(SimulatedProcess target, TimeSpan duration)
    {
        if (duration >= options.DetectionTime)
        {
            clock.After(options.DetectionTime, () => Lose(target));
            clock.After(options.DetectionTime + duration, () => Replace(target));
        }
    }

    /// <summary>Another process starts in the place of one that is gone.</summary>
    private void Replace(SimulatedProcess gone)
    {
        SimulatedProcess next = Join(gone.IsServer);
        int place = places.IndexOf(gone);
        if (place >= 0)
        {
            places[place] = next;
        }
    }

    private SimulatedProcess Join(bool isServer)
    {
        int id = processes.Count;
        var process = StartProcess(id, isServer);
        processes[id] = process;
        int of = run;
        if (coordinator is null || conclusion is not null)
        {
            // The next coordinator finds it among the others.
            return process;
        }

        ToCoordinator(of, () => Invite(process));
        return process;
    }

    private string? Left(SimulatedProcess target)
    {
        if (gathering || coordinator is null)
        {
            return "no run is under way that it could leave in order";
        }

        if (!members.Any(member => joined.Contains(member.Key) && IsThere(member.Value) && member.Value.IsServer && member.Value != target))
        {
            return "no other node may hold parameters";
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
        return null;
    }

    /// <summary>The run failed of a full disk, or was stopped: whoever keeps it starts again from the newest whole checkpoint, once there is room.</summary>
    internal void ResumeAfter(string reason)
    {
        coordinator = null;
        run++;
        keeperStarts++;
        diskIsFree = clock.Now;
        keeper.Restart();
        Tell(new Runs.RunRewound(keeper.Saved.Step, reason));
        clock.After(diskHasRoom > clock.Now ? diskHasRoom - clock.Now : TimeSpan.Zero, SubmitAgain);
    }
}
