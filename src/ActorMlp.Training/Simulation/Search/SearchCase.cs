using ActorMlp.Engine.Random;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation.Search;

/// <summary>A small run on a small cluster, and what goes wrong there: all decided by a seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Model">What is computed.</param>
/// <param name="Options">The cluster, faults included.</param>
public sealed record SearchCase(ulong Seed, CheckingModel Model, SimulationOptions Options)
{
    private const int StepsPerEpoch = 5;
    private const int Epochs = 3;
    private const int Shards = 8;
    private static readonly TimeSpan Undisturbed = TimeSpan.FromMilliseconds(400);

    /// <summary>The case of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="link">Links; null for those of the search.</param>
    public static SearchCase Of(ulong seed, LinkModel? link = null)
    {
        var random = new CounterRandom(seed, RandomPurpose.Faults);
        uint draws = 0;
        int Below(int bound) => random.Below(bound, 2, 0, draws++);
        bool owes = Below(3) == 0;
        int nodes = 3 + Below(7);
        ShareRules? sharing = DrawSharing(random);
        owes &= sharing is null;
        var shape = new RunShape
        {
            Epochs = Epochs,
            StepsPerEpoch = StepsPerEpoch,
            Shards = Shards,
            Workers = 1,
            EncodedSubtrees = owes ? 4 : null,
            ClipsNorm = Below(3) == 0,
            CheckpointEverySteps = Below(3),
            ValidationRows = Below(2) * 900,
            TestRows = 300,
            Keep = ModelSelection.Best,
            Sharing = sharing,
            VerifyFraction = owes || sharing is not null ? 0 : DrawVerification(random),
            MayDropShards = sharing?.Rule.Mode == ConsistencyMode.Backup,
            Monitor = MonitorKind.Loss,
            LearningRate = _ => 0.1,
        };
        return new SearchCase(
            seed,
            new CheckingModel(shape, 1 + Below(12), owes),
            new SimulationOptions
            {
                Nodes = nodes,
                Servers = Below(2) == 0 ? null : 1 + Below(nodes),
                Seed = seed,
                DetectionTime = TimeSpan.FromMilliseconds(200),
                HandoverTime = TimeSpan.FromMilliseconds(50),
                LateAfter = TimeSpan.FromMilliseconds(15),
                Link = link ?? Links,
                Script = RandomFaults.Draw(seed, nodes, Epochs * StepsPerEpoch, Undisturbed),
            });
    }

    /// <summary>A run in four is made of shares, in a mode of its own; its epochs may end with a step of fewer rows than shards.</summary>
    private static ShareRules? DrawSharing(CounterRandom random)
    {
        uint draws = 0;
        int Below(int bound) => random.Below(bound, 3, 0, draws++);
        if (Below(4) > 0)
        {
            return null;
        }

        ConsistencyMode mode = new[] { ConsistencyMode.Ssp, ConsistencyMode.Async, ConsistencyMode.Backup, ConsistencyMode.Local }[Below(4)];
        var rule = new ConsistencyRule(mode, mode == ConsistencyMode.Ssp ? Below(3) : long.MaxValue, Below(3), 1 + Below(4));
        return new ShareRules(rule, (StepsPerEpoch - 1) * Shards + 1 + Below(Shards), Shards, Shards);
    }

    /// <summary>In a quarter of the runs workers compute shards of others too, for comparison: some, or all.</summary>
    private static double DrawVerification(CounterRandom random) => random.Below(8, 4, 0, 0) switch
    {
        0 => 1,
        1 => 0.3,
        _ => 0,
    };

    /// <summary>The links of the search: slow and noisy, so that messages overtake each other.</summary>
    public static LinkModel Links { get; } = new(1e6, TimeSpan.FromMicroseconds(500), 0.9);

    /// <summary>The same, with other faults.</summary>
    public SearchCase With(FaultScript script) => this with { Options = Options with { Script = script } };

    /// <summary>Runs it.</summary>
    /// <returns>What did not hold, or null: an invariant of some event, the end of the run, its weights or its ledger.</returns>
    public string? FindProblem() => Run().Problem;

    /// <summary>Runs it; a problem comes with what led to it, unless the simulation itself threw.</summary>
    public (SimulationResult? Result, string? Problem) Run()
    {
        SimulationResult result;
        try
        {
            result = new ClusterSimulation(Model, Options).Run();
        }
#pragma warning disable CA1031 // A machine that throws is what is searched for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return (null, $"{exception.GetType().Name}: {exception.Message}");
        }

        return (result, ProblemOf(result));
    }

    private string? ProblemOf(SimulationResult result)
    {
        if (result.Violation is { } violation)
        {
            return violation;
        }

        if (result.Conclusion is not { Status: RunStatus.Completed } conclusion)
        {
            return "the run did not complete";
        }

        if (ToldEpochs.FindProblem(Model.Shape, result.Events) is { } problem)
        {
            return problem;
        }

        if (Model.Shape.Sharing is not null)
        {
            return ReplayedShares.FindProblem(Model, result);
        }

        long shards = Model.Shape.TotalSteps * Model.Shape.Shards;
        return !result.Weights.AsSpan().SequenceEqual(PlainLoop.Train(Model)) ? "the weights are not those of a plain loop"
            : conclusion.Progress.Ledger.ShardsCommitted != shards ? $"the ledger counts {conclusion.Progress.Ledger.ShardsCommitted} shards, not {shards}"
            : SimulatedLedger.Audit(Model.Shape, result).Problem;
    }
}
