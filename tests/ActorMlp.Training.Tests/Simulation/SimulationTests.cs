using ActorMlp.Engine.Random;
using ActorMlp.Training.Audits;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>Several nodes and parameter servers, driven by the state machines of the real thing: whatever happens to nodes, the weights are those of a plain loop.</summary>
public sealed class SimulationTests
{
    [Theory]
    [InlineData(0, 2000)]
    public void Any_schedule_of_faults_ends_with_the_loops_weights(int first, int count)
    {
        var failures = new List<string>();
        int rewound = 0, faults = 0, standbys = 0, coordinators = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            (CheckingModel model, SimulationOptions options) = Schedule((ulong)seed);
            SimulationResult result = new ClusterSimulation(model, options).Run();
            faults += options.Faults.Count;
            rewound += result.Events.OfType<RunRewound>().Count();
            standbys += result.Events.OfType<StandbyTookOver>().Count();
            coordinators += result.Events.OfType<CoordinatorTookOver>().Count();
            if (Problem(model, result) is { } problem)
            {
                failures.Add($"seed {seed}: {problem}; {options.Nodes} nodes, {options.Servers} servers, encoded {model.HasErrorFeedback}, clip {model.Shape.ClipsNorm}\n  {string.Join("\n  ", options.Faults)}");
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count}:\n{string.Join('\n', failures.Take(5))}");
        Assert.True(
            faults > count && rewound > count / 20 && standbys > count / 20 && coordinators > count / 20,
            $"{faults} faults, {rewound} rewound, {standbys} standbys and {coordinators} coordinators took over: too few to show anything");
    }

    [Fact]
    public void Same_seed_gives_the_same_run()
    {
        (CheckingModel model, SimulationOptions options) = Schedule(3);
        SimulationResult one = new ClusterSimulation(model, options).Run(), other = new ClusterSimulation(model, options).Run();
        Assert.Equal(one.Time, other.Time);
        Assert.Equal(one.Events.Select(Describe), other.Events.Select(Describe));
    }

    [Theory]
    [InlineData(0, 500)]
    public void Any_schedule_of_faults_with_verification_ends_with_the_loops_weights(int first, int count)
    {
        var failures = new List<string>();
        long verified = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            (CheckingModel model, SimulationOptions options) = Schedule((ulong)seed, verifyFraction: seed % 3 == 0 ? 1 : 0.3);
            SimulationResult result = new ClusterSimulation(model, options).Run();
            verified += result.Conclusion?.Progress.Ledger.ShardsVerified ?? 0;
            if (Problem(model, result) is { } problem)
            {
                failures.Add($"seed {seed}: {problem}; {options.Nodes} nodes, {options.Servers} servers, clip {model.Shape.ClipsNorm}\n  {string.Join("\n  ", options.Faults)}");
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count}:\n{string.Join('\n', failures.Take(5))}");
        Assert.True(verified > count * 20, $"{verified} shards verified: too few to show anything");
    }

    [Theory]
    [InlineData(0, 300)]
    public void Ledger_of_any_schedule_of_faults_counts_every_shard_and_row_once(int first, int count)
    {
        var failures = new List<string>();
        int rewound = 0, redealt = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            (CheckingModel model, SimulationOptions options) = Schedule((ulong)seed);
            SimulationResult result = new ClusterSimulation(model, options).Run();
            (LedgerAuditor auditor, string? problem) = SimulatedLedger.Audit(model.Shape, result);
            rewound += auditor.Rewinds.Count;
            redealt += auditor.Redealt.Count;
            if (problem is not null)
            {
                failures.Add($"seed {seed}: {problem}\n  {string.Join("\n  ", options.Faults)}");
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count}:\n{string.Join('\n', failures.Take(5))}");
        Assert.True(rewound > count / 20 && redealt > count / 30, $"{rewound} rewound, {redealt} dealt again: too few to show anything");
    }

    /// <summary>An event with what it holds; lists do not compare by their elements.</summary>
    private static string Describe(RunEvent runEvent) => runEvent switch
    {
        ViewStands { View: var view } => $"{view} of {string.Join(' ', view.Ranges)}",
        StepCommittedEvent { Account: { } account, Metrics: var metrics } =>
            $"{metrics} {account.View} {account.Totals} by {string.Join(' ', account.Counted)}, again {string.Join(' ', account.Redealt)}, dropped {account.DuplicatesDropped}",
        _ => runEvent.ToString(),
    };

    private static string? Problem(CheckingModel model, SimulationResult result)
    {
        if (result.Violation is not null)
        {
            return result.Violation;
        }

        float[] expected = PlainLoop.Train(model);
        return result.Weights.AsSpan().SequenceEqual(expected)
            ? result.Conclusion!.Progress.Ledger.ShardsCommitted == model.Shape.TotalSteps * model.Shape.Shards ? null : "the ledger does not count every shard once"
            : $"other weights: {string.Join(' ', result.Weights)} for {string.Join(' ', expected)}";
    }

    private static (CheckingModel Model, SimulationOptions Options) Schedule(ulong seed, double verifyFraction = 0)
    {
        var random = new CounterRandom(seed, RandomPurpose.Initialization);
        uint draws = 0;
        int Below(int bound) => random.Below(bound, 9, 0, draws++);
        bool owes = Below(3) == 0;
        int nodes = 1 + Below(6);
        var shape = new RunShape
        {
            Epochs = 3,
            StepsPerEpoch = 5,
            Shards = 8,
            Workers = 1,
            EncodedSubtrees = owes ? 4 : null,
            ClipsNorm = Below(3) == 0,
            CheckpointEverySteps = Below(3),
            ValidationRows = Below(2) * 900,
            TestRows = 300,
            Keep = ModelSelection.Best,
            Monitor = MonitorKind.Loss,
            LearningRate = _ => 0.1,
            VerifyFraction = owes ? 0 : verifyFraction,
            Seed = seed,
        };
        var faults = new List<SimulatedFault>();
        for (int i = Below(6); i > 0; i--)
        {
            faults.Add(new SimulatedFault(
                TimeSpan.FromMilliseconds(Below(400)),
                (SimulatedFaultKind)Below(Enum.GetValues<SimulatedFaultKind>().Length),
                Below(12) - 2,
                TimeSpan.FromMilliseconds(Below(2) == 0 ? Below(100) : Below(3000)),
                1 + Below(5)));
        }

        return (
            new CheckingModel(shape, 1 + Below(12), owes),
            new SimulationOptions
            {
                Nodes = nodes,
                Servers = Below(2) == 0 ? null : 1 + Below(nodes),
                Standbys = Below(4) == 0 ? 0 : 1,
                Seed = seed,
                DetectionTime = TimeSpan.FromMilliseconds(200),
                HandoverTime = TimeSpan.FromMilliseconds(50),
                LateAfter = TimeSpan.FromMilliseconds(15),
                Link = new LinkModel(1e6, TimeSpan.FromMicroseconds(500), 0.9),
                Faults = faults,
            });
    }
}
