using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>
/// A small run whose gradients travel encoded: digits-like rows (64 inputs, ten overlapping classes), 64-96-10, steps of 128 rows in 8 shards, of
/// which 4 subtrees are encoded, each with its own residual.
/// </summary>
internal sealed class EncodedTraining : IDisposable
{
    private const int Rows = 2048;
    private const int Inputs = 64;
    private const int Classes = 10;
    private const int BatchSize = 128;
    private const int Shards = 8;
    private const int Subtrees = 4;

    private readonly ComputePool pool = new(1);
    private readonly Network network = new(Workbench.Classifier(Inputs, [96], Classes, ActivationKind.Relu));
    private readonly TableSource source = Digits();

    /// <summary>Trains, and evaluates the mean loss over all rows.</summary>
    /// <param name="spec">The encoding.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="kernels">What computes and encodes.</param>
    /// <param name="chunk">Where vectors are cut for the transport.</param>
    public (double Loss, string Sha256) Run(EncodingSpec spec, int steps, KernelSet kernels, int chunk = 1 << 20)
    {
        var encoding = GradientEncoding.Create(spec, kernels);
        var engine = new GradientEngine(network, pool, kernels);
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Momentum }, new RegularizationSpec(), pool, kernels);
        int length = network.Layout.Length;
        float[] parameters = new float[length], gradient = new float[length];
        float[][] sums = [.. Enumerable.Range(0, Subtrees).Select(_ => new float[length])];
        float[][] residuals = [.. Enumerable.Range(0, Subtrees).Select(_ => new float[encoding.HasErrorFeedback ? length : 0])];
        byte[] bytes = new byte[encoding.EncodedLength(length)];
        network.Initialize(7, parameters);
        for (int step = 0; step < steps; step++)
        {
            int[] rows = [.. Enumerable.Range(step * BatchSize, BatchSize).Select(i => (int)(i * 1021L % Rows))];
            var batch = new StepBatch(source, rows, Shards, step, 7);
            GradientTotals totals = default;
            var parts = new GradientPart[Subtrees];
            for (int subtree = 0; subtree < Subtrees; subtree++)
            {
                var node = new TreeNode(1, subtree);
                totals += pool.Run(() => engine.ComputeGradient(batch, node, parameters, gradient));
                for (int start = 0; start < length; start += chunk)
                {
                    int count = Math.Min(chunk, length - start);
                    Span<float> owed = encoding.HasErrorFeedback ? residuals[subtree].AsSpan(start, count) : default;
                    Span<byte> message = bytes.AsSpan(0, encoding.EncodedLength(count));
                    encoding.Encode(gradient.AsSpan(start, count), owed, message);
                    encoding.Decode(message, sums[subtree].AsSpan(start, count));
                }

                parts[subtree] = new GradientPart(node, sums[subtree]);
            }

            updater.Apply(step, 0.02, parts, totals.Rows, parameters);
        }

        double loss = pool.Run(() => engine.Evaluate(source, 0, Rows, parameters)).LossSum / Rows;
        return (loss, network.Layout.Sha256(parameters));
    }

    public void Dispose() => pool.Dispose();

    /// <summary>Class centres, and rows around them near enough for the classes to overlap.</summary>
    private static TableSource Digits()
    {
        float[][] rows = new float[Rows][];
        int[] labels = [.. Enumerable.Range(0, Rows).Select(row => row % Classes)];
        for (int row = 0; row < Rows; row++)
        {
            float[] centre = Numbers.Row(21, labels[row], Inputs), noise = Numbers.Row(22, row, Inputs);
            rows[row] = [.. centre.Zip(noise, (c, n) => Math.Max(0, 0.3f * c + 1.2f * n))];
        }

        return new TableSource(rows, labels, null);
    }
}
