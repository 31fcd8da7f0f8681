namespace ActorMlp.Engine.Batches;

/// <summary>The rows of one step, cut into shards.</summary>
/// <param name="Source">Where the rows lie.</param>
/// <param name="Rows">Row numbers in <paramref name="Source"/>, in the order of the plan.</param>
/// <param name="Shards">Number of shards, a power of two; shard s has rows [s·n/Shards, (s+1)·n/Shards) of the n.</param>
/// <param name="Step">The step, 0-based; keys dropout masks.</param>
/// <param name="Seed">The run's seed; keys dropout masks.</param>
public sealed record StepBatch(IExampleSource Source, ReadOnlyMemory<int> Rows, int Shards, long Step, ulong Seed)
{
    /// <summary>The first row (an index into <see cref="Rows"/>) of a shard; of shard <see cref="Shards"/>, the end.</summary>
    public int FirstRow(int shard) => FirstRow(shard, Rows.Length, Shards);

    /// <summary>The first row of a shard where <paramref name="rows"/> rows are cut into <paramref name="shards"/> shards.</summary>
    public static int FirstRow(int shard, int rows, int shards) => (int)((long)shard * rows / shards);
}

/// <summary>What a sum over rows carries beside the gradient.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="LossSum">Sum of the rows' costs (penalties not included): per shard in row order in double precision, shards by the tree.</param>
/// <param name="Correct">Rows whose largest output (or, with one output, the side of 0.5) is their class; 0 in regression.</param>
public readonly record struct GradientTotals(long Rows, double LossSum, long Correct)
{
    /// <summary>The totals of a node from those of its children.</summary>
    public static GradientTotals operator +(GradientTotals left, GradientTotals right) =>
        new(left.Rows + right.Rows, left.LossSum + right.LossSum, left.Correct + right.Correct);
}

/// <summary>Sums over evaluated rows, in row order, in double precision.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="LossSum">Sum of the rows' costs.</param>
/// <param name="Correct">Rows classified correctly; 0 in regression.</param>
/// <param name="SquaredErrorSum">Σ (y - t)² over rows and outputs, in the units the network sees; 0 in classification.</param>
/// <param name="TargetSum">Σ t, for R²; 0 in classification.</param>
/// <param name="TargetSquareSum">Σ t², for R²; 0 in classification.</param>
public readonly record struct EvaluationTotals(
    long Rows, double LossSum, long Correct, double SquaredErrorSum, double TargetSum, double TargetSquareSum)
{
    /// <summary>The totals of two groups of rows, the earlier rows left.</summary>
    public static EvaluationTotals operator +(EvaluationTotals left, EvaluationTotals right) => new(
        left.Rows + right.Rows,
        left.LossSum + right.LossSum,
        left.Correct + right.Correct,
        left.SquaredErrorSum + right.SquaredErrorSum,
        left.TargetSum + right.TargetSum,
        left.TargetSquareSum + right.TargetSquareSum);
}
