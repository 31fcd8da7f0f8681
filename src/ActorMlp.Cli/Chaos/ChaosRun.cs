using ActorMlp.Cli.Configuration;
using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Chaos;

/// <summary>Strikes a run on real processes with the faults of a script.</summary>
/// <param name="script">The script.</param>
/// <param name="cluster">The nodes.</param>
/// <param name="clock">What is heard of the run.</param>
/// <param name="time">The clock.</param>
internal sealed class ChaosRun(FaultScript script, ChaosCluster cluster, ChaosClock clock, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private readonly FaultSchedule schedule = new(script);
    private readonly List<ChaosRecord> records = [];

    /// <summary>What struck, in order.</summary>
    public IReadOnlyList<ChaosRecord> Records => records;

    /// <summary>Strikes until the run is over.</summary>
    public async Task StrikeAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            if (clock.HasBegun)
            {
                foreach (DueFault due in schedule.Due(clock.Step, clock.Elapsed))
                {
                    Strike(due);
                }
            }

            await Task.Delay(LookEvery, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What became of each fault.</summary>
    public void Conclude()
    {
        ChaosRecord[] struck = [.. records.Where(record => record.Skipped is null)];
        for (int i = 0; i < struck.Length; i++)
        {
            struck[i].RecoverySeconds = struck[i].Kind == ChaosRecord.Crash
                ? clock.RecoveryWithout([.. struck[i].Nodes.Select(place => struck[i].Present[place])], struck[i].Seconds)
                : clock.RecoveryAfter(struck[i].Seconds, i + 1 < struck.Length ? struck[i + 1].Seconds : double.PositiveInfinity);
        }

        foreach (ChaosRecord record in struck.Where(record => record.EndSeconds is not null))
        {
            ConcludeReturns(record);
        }

        // A step backwards belongs to the fault before it.
        foreach ((double seconds, long lost, _) in clock.Rewinds)
        {
            if (records.LastOrDefault(record => record.Skipped is null && record.Seconds <= seconds) is { } cause)
            {
                cause.StepsLost += lost;
            }
        }
    }

    private void ConcludeReturns(ChaosRecord record)
    {
        (int Place, double? BackAfter)[] removed =
        [
            .. record.Present.Select(node => (Place: node.Key, Return: clock.ReturnOf(node.Value, record.Seconds, record.EndSeconds!.Value)))
                .Where(node => node.Return.WasRemoved).Select(node => (node.Place, node.Return.BackAfter)),
        ];
        record.Removed = [.. removed.Select(node => node.Place)];
        record.RejoinedSeconds = removed.Length > 0 && removed.All(node => node.BackAfter is not null) ? removed.Max(node => node.BackAfter) : null;
        record.StepsWithoutThem = clock.PauseAfter(record.Seconds, double.PositiveInfinity)?.Step;
        record.StepsApplied = removed.Max(node => cluster.Logs.StepsAppliedAtNextEnd(node.Place, record.Moment));
    }

    private void Strike(DueFault due)
    {
        Fault fault = due.Fault;
        bool strikesNoNode = fault.Kind is FaultKind.Join or FaultKind.FillDisk || fault.Groups is not null;
        IReadOnlyList<int> places = fault.Groups is { } groups ? [.. groups.Skip(1).SelectMany(group => group).Where(cluster.Present.Contains)] : strikesNoNode ? [] : PlacesOf(due);
        string? skipped = strikesNoNode ? null
            : places.Count == 0 ? "nobody is there whom it could strike"
            : fault.Kind is FaultKind.Crash or FaultKind.Leave or FaultKind.Stop or FaultKind.Partition && cluster.Present.Count <= places.Count
                ? "only those whom it would strike are there"
            : null;
        var record = new ChaosRecord(
            OptionsReflection.Camel(fault.Kind.ToString()),
            fault.Target?.ToString() ?? "",
            places,
            string.Join(", ", places.Select(RolesOf)),
            clock.Elapsed.TotalSeconds,
            clock.Step,
            skipped)
        {
            EndSeconds = fault.Kind is FaultKind.Partition or FaultKind.Stop ? (clock.Elapsed + fault.Duration!.Value).TotalSeconds : null,
            Moment = time.GetUtcNow(),
            Present = cluster.Present.ToDictionary(place => place, cluster.AddressOf),
        };
        records.Add(record);
        if (skipped is null)
        {
            cluster.Inflict(fault, places);
        }
    }

    private IReadOnlyList<int> PlacesOf(DueFault due)
    {
        FaultTarget target = due.Fault.Target ?? FaultRules.Of(due.Fault.Kind).Default!;
        IReadOnlyList<int> there = cluster.Present;
        int[] Those(Func<NodePart, bool> which) =>
            [.. clock.Parts.Where(which).Select(node => cluster.PlaceOf(node.NodeId)).Where(place => there.Contains(place))];
        int[] One(IReadOnlyList<int> candidates) => candidates.Count == 0 ? [] : [due.ChooseFrom(candidates)];
        return target.Kind switch
        {
            FaultTargetKind.Pair => there.Contains(target.Node) && there.Contains(target.Other) ? [target.Node, target.Other] : [],
            FaultTargetKind.Node => there.Contains(target.Node) ? [target.Node] : [],
            FaultTargetKind.Coordinator => Those(node => node.IsCoordinator),
            FaultTargetKind.Lead => Those(node => node.Leads),
            FaultTargetKind.ParameterServer => One(Those(node => node.Serves)),
            FaultTargetKind.Worker => One(Those(node => node.Works)),
            FaultTargetKind.All => there,
            _ => One(there),
        };
    }

    private string RolesOf(int place)
    {
        NodePart? node = clock.Parts.FirstOrDefault(node => cluster.PlaceOf(node.NodeId) == place);
        string[] roles =
        [
            .. node is { IsCoordinator: true } ? (string[])["coordinator"] : [],
            .. node is { Leads: true } ? (string[])["lead"] : [],
            .. node is { Serves: true } ? (string[])["parameter server"] : [],
            .. node is { Works: true } ? (string[])["worker"] : [],
        ];
        return roles.Length > 0 ? string.Join(" + ", roles) : "no part yet";
    }
}
