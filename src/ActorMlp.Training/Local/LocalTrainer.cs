using System.Runtime.InteropServices;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Local;

/// <summary>What <see cref="LocalTrainer"/> ends with.</summary>
/// <param name="WeightsSha256">Hash of the weights that the run keeps.</param>
/// <param name="LastWeightsSha256">Hash of the weights after the last step.</param>
/// <param name="Validation">The kept weights on the validation rows; null without such rows.</param>
/// <param name="Test">The kept weights on the test rows; null without such rows.</param>
public sealed record LocalResult(string WeightsSha256, string LastWeightsSha256, SplitMetrics? Validation, SplitMetrics? Test);

/// <summary>
/// A run as a plain loop: no actors, no messages, no views. It is the oracle: every other way to run must end with its bits.
/// </summary>
public sealed class LocalTrainer
{
    private readonly RunSetup setup;
    private readonly ComputePool pool;
    private readonly RunShape shape;
    private readonly GradientEngine engine;
    private readonly ParameterUpdater updater;
    private readonly AlignedBuffer parameters;
    private readonly SubtreeEncoder? encoder;
    private readonly GradientPart[] parts;
    private readonly GradientTotals[] totals;

    /// <summary>A trainer.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="pool">The threads that compute.</param>
    public LocalTrainer(RunSetup setup, ComputePool pool)
    {
        this.setup = setup;
        this.pool = pool;
        shape = setup.Shape;
        int length = setup.Network.Layout.Length;
        engine = new GradientEngine(setup.Network, pool);
        updater = new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool);
        parameters = new AlignedBuffer(length);
        encoder = setup.CreateEncoder();

        // Gradients that travel as they are make up one part: the whole step.
        parts = [.. Enumerable.Range(0, shape.EncodedSubtrees ?? 1)
            .Select(i => new GradientPart(new TreeNode(shape.LargestSubtreeLevel, i), new AlignedBuffer(length).Memory))];
        totals = new GradientTotals[parts.Length];
    }

    /// <summary>The weights, as a flat vector.</summary>
    public ReadOnlySpan<float> Parameters => parameters.Span;

    /// <summary>Trains from the first step to the last, then tests.</summary>
    /// <exception cref="InvalidOperationException">The weights are no longer finite.</exception>
    public LocalResult Train() => pool.Run(TrainOnPool);

    /// <summary>Sets the initial weights; <see cref="Step"/> goes on from there.</summary>
    public void Initialize() => setup.Network.Initialize(setup.Options.Training.Seed, parameters.Span);

    /// <summary>Trains one step: gradient of all its shards, encoded and decoded where the run asks for it, then the update. Call on the pool.</summary>
    public GradientTotals Step(long step)
    {
        StepBatch batch = setup.BatchOf(step);
        for (int i = 0; i < parts.Length; i++)
        {
            Span<float> gradient = MemoryMarshal.AsMemory(parts[i].Sum).Span;
            totals[i] = engine.ComputeGradient(batch, parts[i].Node, parameters.Span, gradient);
            encoder?.EncodeInPlace(parts[i].Node, step, gradient);
        }

        GradientTotals total = Total(0, totals.Length);
        UpdateReport report = updater.Apply(step, shape.LearningRate(step), parts, total.Rows, parameters.Span);
        return report.NonFiniteLayer is { } layer
            ? throw new InvalidOperationException($"training diverged at step {step + 1} in layer {layer}")
            : total;
    }

    /// <summary>The sum of some neighbours' totals, by the tree.</summary>
    private GradientTotals Total(int first, int count) =>
        count == 1 ? totals[first] : Total(first, count / 2) + Total(first + count / 2, count / 2);

    private LocalResult TrainOnPool()
    {
        Initialize();
        (SplitMetrics Validation, float[] Parameters)? best = null;
        SplitMetrics? validation = null;
        for (long step = 0; step < shape.TotalSteps; step++)
        {
            Step(step);
            if (!shape.EndsEpoch(step + 1) || shape.ValidationRows == 0)
            {
                continue;
            }

            validation = shape.Measure(Evaluate(EvaluatedSplit.Validation));
            if (best is null || shape.Beats(validation, best.Value.Validation))
            {
                best = (validation, parameters.Span.ToArray());
            }
        }

        string last = setup.Network.Layout.Sha256(parameters.Span);
        if (shape.Keep == ModelSelection.Best && best is { } kept)
        {
            kept.Parameters.CopyTo(parameters.Span);
            validation = kept.Validation;
        }

        SplitMetrics? test = shape.TestRows > 0 ? shape.Measure(Evaluate(EvaluatedSplit.Test)) : null;
        return new LocalResult(setup.Network.Layout.Sha256(parameters.Span), last, validation, test);
    }

    private EvaluationTotals Evaluate(EvaluatedSplit split)
    {
        EvaluationTotals sum = default;
        for (int block = 0; block < EvaluationBlock.CountFor(shape.RowsOf(split)); block++)
        {
            sum += setup.EvaluateBlock(engine, split, block, parameters.Span);
        }

        return sum;
    }
}
