using ActorMlp.Data;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Runs;

/// <summary>A run without its rows: options turned into network, plan and rules. Immutable.</summary>
public sealed class RunBlueprint
{
    /// <summary>Floats of a piece of the parameters that is updated and sent as one, where servers are on several nodes: half a megabyte.</summary>
    private const int PieceLength = 1 << 17;

    /// <summary>How long a run may stand still before it is taken to have lost a message; where copies are averaged nothing is heard for a whole round.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Builds network and plan.</summary>
    public RunBlueprint(RunOptions options, RunFacts facts)
    {
        Options = options;
        TrainingOptions training = options.Training;
        Network = new Network(NetworkSpecFactory.Create(options.Model, facts.Inputs, facts.Classes, options.Data.Task));
        Plan = new StepPlan(facts.TrainingRows, training.BatchSize, training.Epochs, training.Seed);
        Optimizer = TrainingSpecFactory.Optimizer(training);
        Regularization = TrainingSpecFactory.Regularization(training);
        Schedule = TrainingSpecFactory.Schedule(training, Plan.StepsPerEpoch);
        Encoding = training.Encoding.Kind == GradientEncodingKind.Float32
            ? null
            : new EncodingPlan(TrainingSpecFactory.Encoding(training), training.Encoding.Subtrees);
        bool isOfShares = training.Consistency.Mode != ConsistencyMode.Bsp;
        Shape = new RunShape
        {
            Epochs = training.Epochs,
            StepsPerEpoch = Plan.StepsPerEpoch,
            Shards = training.ShardsPerStep,
            Workers = options.Cluster.Workers,
            CheckpointEverySteps = options.Output.CheckpointEverySteps,
            ValidationRows = facts.ValidationRows,
            TestRows = facts.TestRows,
            Keep = training.Keep,
            Monitor = training.Monitor,
            Task = options.Data.Task,
            Layers = Network.Layout.Layers.Count,
            Outputs = Network.OutputCount,
            ParameterLength = Network.Layout.Length,
            ClipsNorm = Regularization.ClipNorm is not null,
            EncodedSubtrees = Encoding?.Subtrees,
            Standbys = isOfShares ? 0 : options.Cluster.Standbys,

            // With error feedback a gradient depends on what its worker owes.
            StragglerFactor = Encoding is { Spec.HasErrorFeedback: true } ? 0 : options.Cluster.StragglerFactor,
            VerifyFraction = training.VerifyFraction,
            Seed = training.Seed,
            KeepsLedger = options.Output.Ledger && !isOfShares,
            MayDropShards = training.Consistency.Mode == ConsistencyMode.Backup,
            Sharing = isOfShares ? new ShareRules(ConsistencyRule.Of(training.Consistency), facts.TrainingRows, training.BatchSize, training.ShardsPerStep) : null,
            Patience = Patience * (training.Consistency.Mode == ConsistencyMode.Local ? Math.Min(training.Consistency.AverageEvery, Plan.StepsPerEpoch) : 1),
            TargetScale = facts.TargetScale,
            LearningRate = Schedule.At,
        };
    }

    /// <summary>The run file.</summary>
    public RunOptions Options { get; }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>Which rows make which step.</summary>
    public StepPlan Plan { get; }

    /// <summary>The optimizer.</summary>
    public OptimizerSpec Optimizer { get; }

    /// <summary>Penalties and bounds.</summary>
    public RegularizationSpec Regularization { get; }

    /// <summary>The learning rate by step.</summary>
    public ScheduleSpec Schedule { get; }

    /// <summary>How gradients are encoded; null for as they are.</summary>
    public EncodingPlan? Encoding { get; }

    /// <summary>The names of all state beside the weights, in order: the optimizer's, then what the encoding owes.</summary>
    public IReadOnlyList<string> StateNames => [.. ParameterUpdater.SlotNames(Optimizer.Kind), .. Encoding?.ResidualNames ?? []];

    /// <summary>The names of all state beside the weights in a run that is made of shares, in order.</summary>
    /// <param name="workers">Workers that it was begun with.</param>
    public IReadOnlyList<string> StateNamesOf(int workers) => Options.Training.Consistency.Mode == ConsistencyMode.Local
        ? [.. Enumerable.Range(0, Shape.Sharing!.PlanOf(workers).Shares).SelectMany(share => ParameterUpdater.SlotNames(Optimizer.Kind).Select(name => SharePlan.SlotName(share, name)))]
        : StateNames;

    /// <summary>The run in numbers.</summary>
    public RunShape Shape { get; }

    /// <summary>Deals the parameters to servers on several nodes, in pieces that updates and the encoding allow.</summary>
    public PieceDealer CreateDealer()
    {
        int granularity = Encoding is null ? 1 : GradientEncoding.Create(Encoding.Spec).Granularity;
        return new(
            [.. ParameterUpdater.CutPoints(Network, Regularization).Where(cut => cut % granularity == 0 || cut == Network.Layout.Length)], PieceLength)
        {
            MostServers = Shape.Sharing is null ? int.MaxValue : 1,
        };
    }

    /// <summary>An encoder of gradients; null where they travel as they are.</summary>
    public SubtreeEncoder? CreateEncoder() => Encoding?.CreateEncoder(Shape.Shards, Network.Layout.Length);
}
