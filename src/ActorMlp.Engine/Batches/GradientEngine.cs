using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Batches;

/// <summary>Gradients, losses and predictions of one network on one pool, with buffers that are kept from step to step.</summary>
/// <remarks>
/// <para>
/// Two loops over the pool's threads. The first takes blocks of rows, each through all layers forward and back; rows do not depend on
/// each other. The second takes tiles of the weight gradients: per shard a chain over its rows ascending, shards combined by the fixed
/// tree while still in cache. So the bits do not depend on threads, and a node's sum equals the sums of the nodes below it, added.
/// </para>
/// <para>Not re-entrant: one call at a time.</para>
/// </remarks>
public sealed class GradientEngine
{
    private const int EvaluatedAtATime = 2048;

    private readonly Network network;
    private readonly ComputePool pool;
    private readonly RowPass rowPass;
    private readonly WeightPass weightPass;

    /// <summary>Makes an engine that computes with <see cref="KernelSelection"/>'s kernels.</summary>
    public GradientEngine(Network network, ComputePool pool)
        : this(network, pool, KernelSelection.Current)
    {
    }

    internal GradientEngine(Network network, ComputePool pool, KernelSet kernels)
    {
        this.network = network;
        this.pool = pool;
        rowPass = new RowPass(network, kernels, pool.Threads);
        weightPass = new WeightPass(network, kernels, pool.Threads);
    }

    /// <summary>
    /// The sum over the rows of <paramref name="node"/> of the gradient of the cost (no penalties), written over all of
    /// <paramref name="gradientSum"/> in the layout of the parameters.
    /// </summary>
    public GradientTotals ComputeGradient(StepBatch batch, TreeNode node, ReadOnlySpan<float> parameters, Span<float> gradientSum)
    {
        Prepare(batch, node, parameters, gradientSum);
        Pinning.With(parameters, gradientSum, this, static (weights, gradient, engine) =>
        {
            engine.ComputeRows(weights, gradient);
            engine.pool.For(engine.weightPass.Parts, engine.weightPass);
            return true;
        });
        GC.KeepAlive(this);
        return weightPass.Totals(rowPass);
    }

    /// <summary>The same, told piece by piece, so that the first pieces can be on their way while the last are computed.</summary>
    /// <param name="batch">The step's rows.</param>
    /// <param name="node">Which of them.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="gradientSum">Receives the gradient.</param>
    /// <param name="ends">Where the pieces end, ascending; the last one is the vector's length.</param>
    /// <param name="first">The piece to begin with; after the last one comes the first.</param>
    /// <param name="ready">Called on this thread for each piece, in that order, once its floats are final.</param>
    public GradientTotals ComputeGradient(
        StepBatch batch,
        TreeNode node,
        ReadOnlySpan<float> parameters,
        Span<float> gradientSum,
        IReadOnlyList<int> ends,
        int first,
        Action<int, GradientTotals> ready)
    {
        ArgumentNullException.ThrowIfNull(ends);
        ArgumentNullException.ThrowIfNull(ready);
        if (ends.Count == 0 || ends[^1] != network.Layout.Length)
        {
            throw new ArgumentException($"the last piece must end at {network.Layout.Length}", nameof(ends));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(first, ends.Count);
        Prepare(batch, node, parameters, gradientSum);
        return Pinning.With(parameters, gradientSum, (this, ends, first, ready), static (weights, gradient, work) =>
        {
            (GradientEngine engine, IReadOnlyList<int> pieceEnds, int begin, Action<int, GradientTotals> tell) = work;
            engine.ComputeRows(weights, gradient);
            GradientTotals totals = engine.weightPass.Totals(engine.rowPass);
            int middle = engine.weightPass.BeginAt(begin == 0 ? 0 : pieceEnds[begin - 1]), next = middle, limit = engine.weightPass.Parts;
            for (int i = 0; i < pieceEnds.Count; i++)
            {
                int piece = (begin + i) % pieceEnds.Count;
                if (i > 0 && piece == 0)
                {
                    (next, limit) = (0, middle);
                }

                next = engine.weightPass.TakeUpTo(next, pieceEnds[piece], limit);
                engine.pool.For(engine.weightPass.Parts, engine.weightPass);
                tell(piece, totals);
            }

            GC.KeepAlive(engine);
            return totals;
        });
    }

    /// <summary>The totals of a node below the one whose gradient was computed last.</summary>
    /// <param name="computed">The node whose gradient was computed last.</param>
    /// <param name="node">That node, or one below it.</param>
    public GradientTotals TotalsOf(TreeNode computed, TreeNode node) => computed.Covers(node)
        ? weightPass.Totals(rowPass, node.FirstShard - computed.FirstShard, node.ShardCount)
        : throw new ArgumentException($"{node} is not below {computed}", nameof(node));

    /// <summary>Losses and hits over rows of a data set, without dropout, summed in row order.</summary>
    public EvaluationTotals Evaluate(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters)
    {
        CheckRows(source, firstRow, rows);
        CheckLength(parameters.Length, nameof(parameters));
        EvaluationTotals totals = default;
        for (int done = 0; done < rows; done += EvaluatedAtATime)
        {
            int count = Math.Min(EvaluatedAtATime, rows - done);
            ForwardRows(source, firstRow + done, count, parameters);
            rowPass.AddTo(ref totals);
        }

        return totals;
    }

    /// <summary>The outputs, after the output activation, of rows of a data set, without dropout.</summary>
    /// <param name="source">Where the rows lie; labels and targets are not read.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="outputs">Receives <c>[rows, outputs]</c>.</param>
    public void Predict(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters, Span<float> outputs)
    {
        CheckInputs(source);
        CheckRange(source, firstRow, rows);
        CheckLength(parameters.Length, nameof(parameters));
        if (outputs.Length < (long)rows * network.OutputCount)
        {
            throw new ArgumentException($"{rows} rows of {network.OutputCount} outputs do not fit in {outputs.Length} floats", nameof(outputs));
        }

        for (int done = 0; done < rows; done += EvaluatedAtATime)
        {
            int count = Math.Min(EvaluatedAtATime, rows - done);
            rowPass.Prepare(source, firstRow + done, count, RowPassMode.Predict);
            RunRows(parameters);
            rowPass.CopyOutputs(outputs.Slice(done * network.OutputCount, count * network.OutputCount));
        }
    }

    private void Prepare(StepBatch batch, TreeNode node, ReadOnlySpan<float> parameters, ReadOnlySpan<float> gradientSum)
    {
        ArgumentNullException.ThrowIfNull(batch);
        CheckSource(batch.Source);
        CheckLength(parameters.Length, nameof(parameters));
        CheckLength(gradientSum.Length, nameof(gradientSum));
        if (!int.IsPow2(batch.Shards) || node.Level < 0 || node.Level > int.Log2(batch.Shards) || node.Index < 0 || node.EndShard > batch.Shards)
        {
            throw new ArgumentException($"{node} is not in the tree of {batch.Shards} shards (a power of two)", nameof(node));
        }

        rowPass.Prepare(batch, node);
        weightPass.Prepare(batch, node);
    }

    private void ComputeRows(FloatRegion weights, FloatRegion gradient)
    {
        rowPass.Bind(weights);
        pool.For(rowPass.Groups, rowPass);
        weightPass.Bind(rowPass, gradient);
    }

    private void ForwardRows(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters)
    {
        rowPass.Prepare(source, firstRow, rows, RowPassMode.Evaluate);
        RunRows(parameters);
    }

    private void RunRows(ReadOnlySpan<float> parameters)
    {
        Pinning.With(parameters, default, this, static (weights, _, engine) =>
        {
            engine.rowPass.Bind(weights);
            engine.pool.For(engine.rowPass.Groups, engine.rowPass);
            return true;
        });
        GC.KeepAlive(this);
    }

    private void CheckLength(int length, string name)
    {
        if (length != network.Layout.Length)
        {
            throw new ArgumentException($"the vector has {length} floats, the layout {network.Layout.Length}", name);
        }
    }

    private void CheckRows(IExampleSource source, int firstRow, int rows)
    {
        CheckSource(source);
        CheckRange(source, firstRow, rows);
    }

    private void CheckInputs(IExampleSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Inputs != network.Spec.Inputs)
        {
            throw new ArgumentException($"the data has {source.Inputs} inputs, the network {network.Spec.Inputs}", nameof(source));
        }
    }

    private void CheckSource(IExampleSource source)
    {
        CheckInputs(source);
        int outputs = network.OutputCount;
        if (source.Targets != 0 && (source.Targets != outputs || network.Spec.Loss == LossKind.CategoricalCrossEntropy))
        {
            throw new ArgumentException(
                network.Spec.Loss == LossKind.CategoricalCrossEntropy
                    ? "categorical cross-entropy takes class labels, not target columns"
                    : $"the data has {source.Targets} targets, the network {outputs} outputs",
                nameof(source));
        }
    }

    private static void CheckRange(IExampleSource source, int firstRow, int rows)
    {
        if (firstRow < 0 || rows < 0 || (long)firstRow + rows > source.Rows)
        {
            throw new ArgumentOutOfRangeException(nameof(rows), $"rows {firstRow} to {(long)firstRow + rows - 1} are not all among the {source.Rows} of the data");
        }
    }
}
