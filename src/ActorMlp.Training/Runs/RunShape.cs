using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;

namespace ActorMlp.Training.Runs;

/// <summary>A run in numbers: all that the state machines need to know of options and data.</summary>
public sealed record RunShape
{
    /// <summary>Epochs of the whole run.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps per epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Shards per step, a power of two.</summary>
    public required int Shards { get; init; }

    /// <summary>Workers that are waited for before the first step.</summary>
    public required int Workers { get; init; }

    /// <summary>Steps between two checkpoints within an epoch; 0 for none.</summary>
    public int CheckpointEverySteps { get; init; }

    /// <summary>Validation rows.</summary>
    public int ValidationRows { get; init; }

    /// <summary>Test rows.</summary>
    public int TestRows { get; init; }

    /// <summary>Which weights the run ends with.</summary>
    public ModelSelection Keep { get; init; }

    /// <summary>What decides the best epoch.</summary>
    public MonitorKind Monitor { get; init; }

    /// <summary>What the target means.</summary>
    public DataTask Task { get; init; }

    /// <summary>Layers of the network.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Outputs of the network.</summary>
    public int Outputs { get; init; } = 1;

    /// <summary>Floats of the parameter vector.</summary>
    public int ParameterLength { get; init; } = 1;

    /// <summary>Whether the gradient's global norm is bounded.</summary>
    public bool ClipsNorm { get; init; }

    /// <summary>Subtrees of a step whose gradients are encoded by themselves; null where gradients travel as they are.</summary>
    public int? EncodedSubtrees { get; init; }

    /// <summary>Whether workers keep what their subtrees owe, so that subtrees change their owners between steps only.</summary>
    public bool WorkersKeepResiduals { get; init; }

    /// <summary>How long a run may stand still before it is taken to have lost a message; longer where its steps are long.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many times as long as others a step may take until its late shards are computed by others too; 0 for any.</summary>
    public double StragglerFactor { get; init; }

    /// <summary>What a step may take in any case until its late shards are computed by others too.</summary>
    public TimeSpan LateAfter { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Servers that stand by for each: 0 or 1.</summary>
    public int Standbys { get; init; }

    /// <summary>The share of shards that a second worker computes too, from 0 to 1.</summary>
    public double VerifyFraction { get; init; }

    /// <summary>The run's seed.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether the account of each step is told, for the ledger.</summary>
    public bool KeepsLedger { get; init; } = true;

    /// <summary>Whether a step may be committed without the shards of its slowest workers.</summary>
    public bool MayDropShards { get; init; }

    /// <summary>How the run is made of shares; null where workers compute one sum together.</summary>
    public ShareRules? Sharing { get; init; }

    /// <summary>Workers whose shares the run is made of; null where those who are there at its start decide that.</summary>
    public int? Shares { get; init; }

    /// <summary>Standard deviation by which a regression target was divided; 1 for none.</summary>
    public double TargetScale { get; init; } = 1;

    /// <summary>The learning rate of a step.</summary>
    public required Func<long, double> LearningRate { get; init; }

    /// <summary>Shards that are dealt together, a power of two.</summary>
    public int ShardsDealtTogether => EncodedSubtrees is { } subtrees ? Shards / subtrees : 1;

    /// <summary>The level of the largest subtree whose gradient travels as one.</summary>
    public int LargestSubtreeLevel => int.Log2(EncodedSubtrees is null ? Shards : ShardsDealtTogether);

    /// <summary>Whether the order of updates is left open: what is trained anew may get other bits.</summary>
    public bool LeavesOrderOpen => Sharing is { Rule.Mode: not ConsistencyMode.Local };

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => (long)Epochs * StepsPerEpoch;

    /// <summary>The 0-based epoch of a step.</summary>
    public int EpochOf(long step) => (int)(step / StepsPerEpoch);

    /// <summary>Whether <paramref name="committed"/> steps end an epoch.</summary>
    public bool EndsEpoch(long committed) => committed > 0 && committed % StepsPerEpoch == 0;

    /// <summary>Whether training holds after <paramref name="committed"/> steps, to evaluate or to write a checkpoint.</summary>
    public bool HoldsAfter(long committed) => EndsEpoch(committed)
        || (CheckpointEverySteps > 0 && committed % StepsPerEpoch % CheckpointEverySteps == 0);

    /// <summary>Rows of a split.</summary>
    public int RowsOf(Messages.EvaluatedSplit split) =>
        split == Messages.EvaluatedSplit.Validation ? ValidationRows : TestRows;

    /// <summary>Figures of an evaluated split, in the target's own units.</summary>
    public SplitMetrics Measure(EvaluationTotals totals)
    {
        double rows = totals.Rows;
        if (Task == DataTask.Classification)
        {
            return new SplitMetrics { Loss = totals.LossSum / rows, Accuracy = totals.Correct / rows };
        }

        double variance = totals.TargetSquareSum - totals.TargetSum * totals.TargetSum / rows;
        return new SplitMetrics
        {
            Loss = totals.LossSum / rows,
            Rmse = Math.Sqrt(totals.SquaredErrorSum / (rows * Outputs)) * TargetScale,
            R2 = variance > 0 ? 1 - totals.SquaredErrorSum / variance : null,
        };
    }

    /// <summary>Figures of trained rows: loss and accuracy, or the RMSE that the mean squared error gives.</summary>
    public SplitMetrics Measure(GradientTotals totals)
    {
        double loss = totals.LossSum / totals.Rows;
        return Task == DataTask.Classification
            ? new SplitMetrics { Loss = loss, Accuracy = (double)totals.Correct / totals.Rows }
            : new SplitMetrics { Loss = loss, Rmse = Math.Sqrt(loss) * TargetScale };
    }

    /// <summary>Whether one epoch's validation figures beat another's; on a tie the earlier epoch stays.</summary>
    public bool Beats(SplitMetrics candidate, SplitMetrics incumbent)
    {
        if (Monitor == MonitorKind.Accuracy && candidate.Accuracy != incumbent.Accuracy)
        {
            return candidate.Accuracy > incumbent.Accuracy;
        }

        return candidate.Loss < incumbent.Loss;
    }
}
