using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>
/// A model of a few floats that is quick to compute and shows every mistake of the protocol: gradients depend on all weights, on the step and on the shard, sums on
/// their order, updates on state of their own, and encodings, if there are any, on what they owe.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="length">Floats of the parameter vector; it may be cut everywhere.</param>
/// <param name="owes">Whether gradients are rounded with error feedback.</param>
public sealed class CheckingModel(RunShape shape, int length, bool owes) : SimulatedModel
{
    private static readonly CounterRandom Random = new(7, RandomPurpose.Dropout);

    /// <inheritdoc/>
    public override RunShape Shape => shape;

    /// <inheritdoc/>
    public override int Length => length;

    /// <inheritdoc/>
    public override int OptimizerSlots => 1;

    /// <inheritdoc/>
    public override bool HasErrorFeedback => owes;

    /// <inheritdoc/>
    public override PieceDealer CreateDealer() =>
        new([.. Enumerable.Range(0, length + 1)], Math.Max(1, length / 4)) { MostServers = shape.Sharing is null ? int.MaxValue : 1 };

    /// <inheritdoc/>
    public override IShareModel? Shares => shape.Sharing is null ? null : new CheckingShares(this);

    /// <inheritdoc/>
    public override float[][] CreateState()
    {
        int residuals = owes ? shape.EncodedSubtrees!.Value : 0;
        float[][] state = [.. Enumerable.Range(0, 2 + residuals).Select(_ => new float[length])];
        for (int i = 0; i < length; i++)
        {
            state[0][i] = 1 + i;
        }

        return state;
    }

    /// <inheritdoc/>
    public override GradientTotals Compute(long stepNumber, TreeNode node, ReadOnlySpan<float> weights, Span<float> gradient)
    {
        if (node.Level == 0)
        {
            if (RowsOf(stepNumber, node.Index) == 0)
            {
                gradient.Clear();
                return default;
            }

            float all = 0;
            foreach (float weight in weights)
            {
                all += weight;
            }

            for (int i = 0; i < length; i++)
            {
                gradient[i] = (float)(Random.Uniform((ulong)stepNumber, (uint)node.Index, (uint)i) - 0.4) * (weights[i] + 0.01f * all);
            }

            return new GradientTotals(1, Math.Abs(all), 0);
        }

        var right = new float[length];
        GradientTotals totals = Compute(stepNumber, node.Left, weights, gradient) + Compute(stepNumber, node.Right, weights, right);
        for (int i = 0; i < length; i++)
        {
            gradient[i] += right[i];
        }

        return totals;
    }

    /// <summary>A row for each shard, but for shares in an epoch's last step, which may have fewer rows than shards.</summary>
    private int RowsOf(long stepNumber, int shard) => shape.Sharing is { } rules && stepNumber % shape.StepsPerEpoch == shape.StepsPerEpoch - 1
        ? ShardRows(shard, rules.TrainingRows - (shape.StepsPerEpoch - 1) * rules.BatchSize)
        : 1;

    private int ShardRows(int shard, int rows) => (shard + 1) * rows / shape.Shards - shard * rows / shape.Shards;

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<float> owed, Span<float> owes, Span<float> gradient)
    {
        for (int i = 0; i < length; i++)
        {
            float all = gradient[i] + owed[i];
            gradient[i] = MathF.Round(all * 32) / 32;
            owes[i] = all - gradient[i];
        }
    }

    /// <inheritdoc/>
    public override EvaluationTotals Evaluate(EvaluatedSplit split, int block, ReadOnlySpan<float> weights)
    {
        double loss = 0;
        for (int i = 0; i < length; i++)
        {
            loss += Math.Abs(weights[i] - (i + block) * 0.1);
        }

        return new EvaluationTotals(EvaluationBlock.Rows, loss, 1, 0, 0, 0);
    }

    /// <inheritdoc/>
    public override SimulatedOptimizer CreateOptimizer(ParameterRange range, float[][] slots) => new Optimizer(this, range, slots);

    /// <summary>An element of the sum over a node.</summary>
    internal static float Sum(TreeNode node, ReadOnlySpan<GradientPart> parts, int i)
    {
        foreach (GradientPart part in parts)
        {
            if (part.Node == node)
            {
                return part.Sum.Span[i];
            }
        }

        return Sum(node.Left, parts, i) + Sum(node.Right, parts, i);
    }

    private sealed class Optimizer(CheckingModel model, ParameterRange range, float[][] slots) : SimulatedOptimizer
    {
        public override double[] Measure(ParameterPiece piece, GradientPart[] parts, GradientTotals totals, ReadOnlySpan<float> current)
        {
            var squares = new double[piece.Length];
            for (int i = 0; i < squares.Length; i++)
            {
                double mean = Sum(parts, i) / totals.Rows;
                squares[i] = mean * mean;
            }

            return squares;
        }

        public override UpdateReport Apply(
            long stepNumber, ParameterPiece piece, GradientPart[] parts, GradientTotals totals, double? norm, ReadOnlySpan<float> current, Span<float> updated)
        {
            float scale = norm is > 1 ? (float)(1 / norm.Value) : 1;
            Span<float> velocity = slots[0].AsSpan(piece.Offset - range.Offset, piece.Length);
            for (int i = 0; i < piece.Length; i++)
            {
                velocity[i] = 0.9f * velocity[i] + scale * (Sum(parts, i) / totals.Rows);
                updated[i] = current[i] - (float)model.Shape.LearningRate(stepNumber) * velocity[i];
            }

            return new UpdateReport(norm, null);
        }

        private float Sum(GradientPart[] parts, int i) => CheckingModel.Sum(TreeNode.Root(model.Shape.Shards), parts, i);
    }
}
