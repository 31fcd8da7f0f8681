using System.Buffers;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>The network, data and optimizer of a run file: simulated nodes that compute with the engine of real ones, and end with the same bits.</summary>
/// <remarks>Call on the pool (<see cref="ComputePool.Run{T}"/>): the simulation is one thread, and its loops are the pool's.</remarks>
/// <param name="setup">The run.</param>
/// <param name="pool">The threads that compute.</param>
public sealed class EngineModel(RunSetup setup, ComputePool pool) : SimulatedModel
{
    private readonly GradientEngine engine = new(setup.Network, pool);
    private readonly GradientEncoding? encoding = setup.Encoding is { } plan ? GradientEncoding.Create(plan.Spec) : null;

    private readonly EngineShareModel shares = new(setup, pool);

    /// <inheritdoc/>
    public override IShareModel Shares => shares;

    /// <inheritdoc/>
    public override RunShape Shape => setup.Shape;

    /// <inheritdoc/>
    public override int Length => setup.Network.Layout.Length;

    /// <inheritdoc/>
    public override int OptimizerSlots => ParameterUpdater.SlotNames(setup.Optimizer.Kind).Count;

    /// <inheritdoc/>
    public override double BytesPerGradientFloat => encoding is null ? sizeof(float) : (double)encoding.EncodedLength(Length) / Length;

    /// <inheritdoc/>
    public override bool HasErrorFeedback => encoding is { HasErrorFeedback: true };

    /// <inheritdoc/>
    public override PieceDealer CreateDealer() => new RunBlueprint(setup.Options, RunFacts.Of(setup.Data)).CreateDealer();

    /// <inheritdoc/>
    public override float[][] CreateState()
    {
        float[][] state = [.. Enumerable.Range(0, 1 + setup.StateNames.Count).Select(_ => new float[Length])];
        setup.Network.Initialize(setup.Options.Training.Seed, state[0]);
        return state;
    }

    /// <inheritdoc/>
    public override GradientTotals Compute(long stepNumber, TreeNode node, ReadOnlySpan<float> weights, Span<float> gradient)
    {
        GradientTotals totals = engine.ComputeGradient(setup.BatchOf(stepNumber), node, weights, gradient);
        if (encoding is { HasErrorFeedback: false })
        {
            RoundTrip(gradient, default);
        }

        return totals;
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<float> owed, Span<float> owes, Span<float> gradient)
    {
        owed.CopyTo(owes);
        RoundTrip(gradient, owes);
    }

    /// <inheritdoc/>
    public override EvaluationTotals Evaluate(EvaluatedSplit split, int block, ReadOnlySpan<float> weights) =>
        setup.EvaluateBlock(engine, split, block, weights);

    /// <inheritdoc/>
    public override SimulatedOptimizer CreateOptimizer(ParameterRange range, float[][] slots) => new Optimizer(setup, pool, range, slots);

    /// <summary>Puts what a receiver decodes in a gradient's place.</summary>
    private void RoundTrip(Span<float> gradient, Span<float> residual)
    {
        int length = encoding!.EncodedLength(gradient.Length);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        encoding.Encode(gradient, residual, bytes.AsSpan(0, length));
        encoding.Decode(bytes.AsSpan(0, length), gradient);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>The engine's updater; its state is kept in the simulation's vectors, from where it is sent.</summary>
    private sealed class Optimizer(RunSetup setup, ComputePool pool, ParameterRange range, float[][] slots) : SimulatedOptimizer
    {
        private readonly ParameterUpdater updater = new(setup.Network, setup.Optimizer, setup.Regularization, pool, range);

        public override double[] Measure(ParameterPiece piece, GradientPart[] parts, GradientTotals totals, ReadOnlySpan<float> current)
        {
            var squares = new double[updater.ChunksIn(At(piece))];
            updater.Measure(parts, totals.Rows, At(piece), current, squares);
            return squares;
        }

        public override UpdateReport Apply(
            long stepNumber, ParameterPiece piece, GradientPart[] parts, GradientTotals totals, double? norm, ReadOnlySpan<float> current, Span<float> updated)
        {
            double rate = setup.Shape.LearningRate(stepNumber);
            int first = piece.Offset - range.Offset;
            for (int slot = 0; slot < slots.Length; slot++)
            {
                slots[slot].AsSpan(first, piece.Length).CopyTo(updater.Slots[slot].Values.Span[first..]);
            }

            UpdateReport report = norm is { } whole
                ? updater.ApplyMeasured(stepNumber, rate, At(piece), current, updated, whole)
                : updater.Apply(stepNumber, rate, parts, totals.Rows, At(piece), current, updated);
            for (int slot = 0; slot < slots.Length; slot++)
            {
                updater.Slots[slot].Values.Span.Slice(first, piece.Length).CopyTo(slots[slot].AsSpan(first));
            }

            return report;
        }

        private static ParameterRange At(ParameterPiece piece) => new(piece.Offset, piece.Length);
    }
}
