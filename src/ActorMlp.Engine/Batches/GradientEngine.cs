using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// Forward and backward through the network. Its memory serves one job at a time: call it from jobs of the pool only.
/// </summary>
/// <remarks>
/// A gradient takes two passes with one barrier between. First the rows, which are independent, are spread over the threads: gather, forward, cost,
/// and back to each layer's dz. Then the weights, also independent, are spread: each tile of weights is a chain over the rows of a shard, and the
/// shards of the node are added by the fixed tree while the tile is in the first-level cache. So the tree costs no memory traffic, and a node's sum
/// has the same bits whether it is computed at once here or in parts by several workers.
/// </remarks>
public sealed unsafe class GradientEngine
{
    /// <summary>Rows of a block that one thread takes through the network.</summary>
    private const int BlockRows = 48;

    private readonly Network network;
    private readonly ComputePool pool;
    private readonly Kernels kernels;
    private readonly DropoutMask dropout;
    private readonly LossHead head;
    private readonly RowPass rowPass;
    private readonly WeightPass weightPass;
    private readonly ThreadScratch[] scratch;
    private LayerMemory[] layers = [];
    private AlignedBuffer inputs = new(0);
    private double[] costs = [];
    private bool[] hits = [];
    private int capacity;

    /// <summary>An engine for a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="pool">The threads that compute.</param>
    public GradientEngine(Network network, ComputePool pool)
        : this(network, pool, KernelSelection.Current)
    {
    }

    internal GradientEngine(Network network, ComputePool pool, Kernels kernels)
    {
        this.network = network;
        this.pool = pool;
        this.kernels = kernels;
        dropout = new DropoutMask(network.Spec);
        head = new LossHead(network.Spec, kernels);
        rowPass = new RowPass(this);
        weightPass = new WeightPass(this);
        scratch = [.. Enumerable.Range(0, pool.Threads).Select(_ => new ThreadScratch(network.Layout, BlockRows))];
    }

    private int InputStride => (network.Spec.Inputs + 15) / 16 * 16;

    /// <summary>The sum, over the rows of a node's shards, of the cost's derivative by each parameter.</summary>
    /// <param name="batch">The step's rows.</param>
    /// <param name="node">Which of its shards.</param>
    /// <param name="parameters">The weights, as long as the layout.</param>
    /// <param name="gradientSum">Receives the sum, in the layout of the parameters; must not overlap them. Padding is zero.</param>
    /// <returns>Rows, cost and hits of the node.</returns>
    public GradientTotals ComputeGradient(StepBatch batch, TreeNode node, ReadOnlySpan<float> parameters, Span<float> gradientSum)
    {
        int first = batch.FirstRow(node.FirstShard);
        int rows = batch.FirstRow(node.EndShard) - first;
        Reserve(rows);
        fixed (float* weights = parameters, gradient = gradientSum)
        {
            rowPass.Batch = batch;
            rowPass.Source = batch.Source;
            rowPass.FirstRow = first;
            rowPass.Rows = rows;
            rowPass.Parameters = weights;
            pool.For(rowPass.Blocks, rowPass);

            weightPass.Batch = batch;
            weightPass.Node = node;
            weightPass.Gradient = gradient;
            pool.For(weightPass.Parts, weightPass);
        }

        return Totals(batch, node, first);
    }

    /// <summary>Sums over rows [<paramref name="firstRow"/>, <paramref name="firstRow"/> + <paramref name="rows"/>) without dropout, in row order.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="parameters">The weights, as long as the layout.</param>
    public EvaluationTotals Evaluate(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters)
    {
        Forward(source, firstRow, rows, parameters, withCost: true);
        LayerMemory last = layers[^1];
        double loss = 0, squaredError = 0, targetSum = 0, targetSquares = 0;
        long correct = 0;
        Span<float> targets = stackalloc float[0];
        if (source.Targets > 0)
        {
            targets = new float[source.Targets];
        }

        for (int row = 0; row < rows; row++)
        {
            loss += costs[row];
            correct += hits[row] ? 1 : 0;
            if (source.Targets > 0)
            {
                source.CopyTargets(firstRow + row, targets);
                for (int j = 0; j < targets.Length; j++)
                {
                    double difference = (double)last.Outputs.Pointer[row * last.Stride + j] - targets[j];
                    squaredError += difference * difference;
                    targetSum += targets[j];
                    targetSquares += (double)targets[j] * targets[j];
                }
            }
        }

        return new EvaluationTotals(rows, loss, correct, squaredError, targetSum, targetSquares);
    }

    /// <summary>The network's outputs, after the output activation (probabilities where that is softmax or sigmoid).</summary>
    /// <param name="source">The rows; labels and targets are not read.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="parameters">The weights, as long as the layout.</param>
    /// <param name="outputs">Receives <c>[rows, outputs]</c>.</param>
    public void Predict(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters, Span<float> outputs)
    {
        Forward(source, firstRow, rows, parameters, withCost: false);
        LayerMemory last = layers[^1];
        for (int row = 0; row < rows; row++)
        {
            last.Outputs.Span.Slice(row * last.Stride, network.OutputCount).CopyTo(outputs[(row * network.OutputCount)..]);
        }
    }

    private void Forward(IExampleSource source, int firstRow, int rows, ReadOnlySpan<float> parameters, bool withCost)
    {
        Reserve(rows);
        fixed (float* weights = parameters)
        {
            rowPass.Batch = null;
            rowPass.WithCost = withCost;
            rowPass.Source = source;
            rowPass.FirstRow = firstRow;
            rowPass.Rows = rows;
            rowPass.Parameters = weights;
            pool.For(rowPass.Blocks, rowPass);
        }
    }

    /// <summary>The totals of a node below the one whose gradient was computed last.</summary>
    /// <param name="batch">The step's rows.</param>
    /// <param name="computed">The node whose gradient was computed last.</param>
    /// <param name="node">That node, or one below it.</param>
    public GradientTotals TotalsOf(StepBatch batch, TreeNode computed, TreeNode node)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(computed.Covers(node), true);
        return Totals(batch, node, batch.FirstRow(computed.FirstShard));
    }

    private GradientTotals Totals(StepBatch batch, TreeNode node, int firstRow)
    {
        if (node.Level > 0)
        {
            return Totals(batch, node.Left, firstRow) + Totals(batch, node.Right, firstRow);
        }

        int begin = batch.FirstRow(node.FirstShard) - firstRow, end = batch.FirstRow(node.EndShard) - firstRow;
        double loss = 0;
        long correct = 0;
        for (int row = begin; row < end; row++)
        {
            loss += costs[row];
            correct += hits[row] ? 1 : 0;
        }

        return new GradientTotals(end - begin, loss, correct);
    }

    private void Reserve(int rows)
    {
        if (rows <= capacity)
        {
            return;
        }

        capacity = rows;
        inputs = new AlignedBuffer(checked(rows * InputStride));
        layers = [.. network.Layout.Layers.Select((layout, i) => new LayerMemory(layout, dropout.Applies(i + 1), rows))];
        costs = new double[rows];
        hits = new bool[rows];
    }

    /// <summary>Memory of one thread.</summary>
    private sealed class ThreadScratch
    {
        public ThreadScratch(ParameterLayout layout, int blockRows)
        {
            int widest = layout.Layers.Max(layer => Math.Max(layer.PaddedUnits, layer.Inputs));
            Transposed = new AlignedBuffer(layout.Layers.Max(layer => layer.PaddedUnits) * blockRows);
            Back = new AlignedBuffer((widest + 15) / 16 * 16 * blockRows);
            Head = new AlignedBuffer(3 * layout.Layers[^1].PaddedUnits);
            for (int level = 0; level < Tree.Length; level++)
            {
                Tree[level] = new AlignedBuffer(WeightPass.ChunkInputs * WeightPass.ChunkPanels * ParameterLayout.PanelWidth);
            }
        }

        /// <summary>dzᵀ <c>[padded units, block rows]</c>.</summary>
        public AlignedBuffer Transposed { get; }

        /// <summary>dxᵀ <c>[inputs, block rows]</c>.</summary>
        public AlignedBuffer Back { get; }

        public AlignedBuffer Head { get; }

        /// <summary>Right operands of the tree, one per level.</summary>
        public AlignedBuffer[] Tree { get; } = new AlignedBuffer[16];
    }

    /// <summary>Rows through the network and, in training, back to each layer's dz.</summary>
    private sealed class RowPass(GradientEngine engine) : IParallelBody
    {
        public StepBatch? Batch { get; set; }

        public bool WithCost { get; set; }

        public IExampleSource Source { get; set; } = null!;

        public int FirstRow { get; set; }

        public int Rows { get; set; }

        public float* Parameters { get; set; }

        public int Blocks
        {
            get
            {
                // As many blocks as keep all threads busy alike, none above BlockRows; the cut cannot change a bit, as rows are independent.
                int threads = engine.pool.Threads;
                int rounds = (Rows + threads * BlockRows - 1) / (threads * BlockRows);
                return Math.Min(Rows, Math.Max(1, rounds) * threads);
            }
        }

        public void Run(int part, int thread)
        {
            int blocks = Blocks;
            int begin = (int)((long)part * Rows / blocks), end = (int)((long)(part + 1) * Rows / blocks);
            Gather(begin, end);
            Forward(begin, end);
            if (Batch is not null || WithCost)
            {
                Cost(begin, end, engine.scratch[thread]);
            }
            else
            {
                LayerMemory last = engine.layers[^1];
                for (int row = begin; row < end; row++)
                {
                    engine.head.Outputs(last.Outputs.Pointer + row * last.Stride, last.Stride);
                }
            }

            if (Batch is not null)
            {
                Backward(begin, end, engine.scratch[thread]);
            }
        }

        private int RowNumber(int row) => Batch is { } batch ? batch.Rows.Span[FirstRow + row] : FirstRow + row;

        private void Gather(int begin, int end)
        {
            int stride = engine.InputStride, width = engine.network.Spec.Inputs;
            bool drops = Batch is not null && engine.dropout.Applies(0);
            for (int row = begin; row < end; row++)
            {
                Span<float> x = engine.inputs.Span.Slice(row * stride, width);
                Source.CopyInputs(RowNumber(row), x);
                if (drops)
                {
                    DropInputs(row, x);
                }
            }
        }

        private void DropInputs(int row, Span<float> x)
        {
            const int Piece = 64;
            Span<float> mask = stackalloc float[Piece];
            for (int first = 0; first < x.Length; first += Piece)
            {
                Span<float> values = x.Slice(first, Math.Min(Piece, x.Length - first));
                engine.dropout.Fill(Batch!.Seed, Batch.Step, RowNumber(row), 0, first, mask[..values.Length]);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] *= mask[i];
                }
            }
        }

        private void Forward(int begin, int end)
        {
            float* x = engine.inputs.Pointer;
            int stride = engine.InputStride;
            for (int i = 0; i < engine.layers.Length; i++)
            {
                LayerLayout layout = engine.network.Layout.Layers[i];
                LayerMemory memory = engine.layers[i];
                float* y = memory.Outputs.Pointer + begin * memory.Stride;
                engine.kernels.Multiply(new GemmArguments
                {
                    Rows = end - begin,
                    Panels = layout.Panels,
                    Segments = 1,
                    SegmentLength = layout.Inputs,
                    A = x + begin * stride,
                    ARow = stride,
                    AStep = 1,
                    B = Parameters + layout.WeightsOffset,
                    BStep = ParameterLayout.PanelWidth,
                    BPanel = layout.Inputs * ParameterLayout.PanelWidth,
                    Init = Parameters + layout.BiasOffset,
                    C = y,
                    CRow = memory.Stride,
                    CPanel = ParameterLayout.PanelWidth,
                });
                if (i + 1 < engine.layers.Length)
                {
                    LayerSpec spec = engine.network.Spec.Layers[i];
                    int length = (end - begin) * memory.Stride;
                    engine.kernels.Activate(spec.Activation, spec.LeakySlope, y, length);
                    if (Batch is not null && memory.Mask is { } mask)
                    {
                        Drop(i, begin, end, memory, mask, length);
                    }

                    x = (Batch is not null ? memory.Passed : memory.Outputs).Pointer;
                    stride = memory.Stride;
                }
            }
        }

        private void Drop(int layer, int begin, int end, LayerMemory memory, AlignedBuffer mask, int length)
        {
            for (int row = begin; row < end; row++)
            {
                engine.dropout.Fill(
                    Batch!.Seed, Batch.Step, RowNumber(row), layer + 1, 0,
                    mask.Span.Slice(row * memory.Stride, engine.network.Spec.Layers[layer].Units));
            }

            int offset = begin * memory.Stride;
            engine.kernels.MultiplyElements(
                memory.Outputs.Pointer + offset, mask.Pointer + offset, memory.Dropped!.Pointer + offset, length);
        }

        private void Cost(int begin, int end, ThreadScratch memory)
        {
            LayerMemory last = engine.layers[^1];
            for (int row = begin; row < end; row++)
            {
                int offset = row * last.Stride;
                engine.costs[row] = engine.head.Row(
                    Source,
                    RowNumber(row),
                    last.Outputs.Pointer + offset,
                    Batch is null ? null : last.Derivatives.Pointer + offset,
                    memory.Head.Pointer,
                    last.Stride,
                    out engine.hits[row]);
            }
        }

        private void Backward(int begin, int end, ThreadScratch memory)
        {
            int rows = end - begin;
            int padded = (rows + 15) / 16 * 16;
            for (int i = engine.layers.Length - 1; i > 0; i--)
            {
                LayerLayout layout = engine.network.Layout.Layers[i];
                LayerMemory here = engine.layers[i], before = engine.layers[i - 1];
                Transpose(here.Derivatives.Pointer + begin * here.Stride, rows, here.Stride, here.Stride, memory.Transposed.Pointer, padded);

                // dxᵀ[k, r] = Σ_o W[k, o]·dzᵀ[o, r], o ascending: weights are read as they lie, panel after panel.
                engine.kernels.Multiply(new GemmArguments
                {
                    Rows = layout.Inputs,
                    Panels = padded / 16,
                    Segments = layout.Panels,
                    SegmentLength = ParameterLayout.PanelWidth,
                    A = Parameters + layout.WeightsOffset,
                    ARow = ParameterLayout.PanelWidth,
                    AStep = 1,
                    ASegment = layout.Inputs * ParameterLayout.PanelWidth,
                    B = memory.Transposed.Pointer,
                    BStep = padded,
                    BSegment = ParameterLayout.PanelWidth * padded,
                    BPanel = 16,
                    C = memory.Back.Pointer,
                    CRow = padded,
                    CPanel = 16,
                    RowsOuter = true,
                });
                float* d = before.Derivatives.Pointer + begin * before.Stride;
                Untranspose(memory.Back.Pointer, padded, rows, layout.Inputs, d, before.Stride);
                int length = rows * before.Stride;
                if (before.Mask is { } mask)
                {
                    engine.kernels.MultiplyElements(d, mask.Pointer + begin * before.Stride, d, length);
                }

                LayerSpec spec = engine.network.Spec.Layers[i - 1];
                engine.kernels.Differentiate(
                    spec.Activation, spec.LeakySlope, before.Outputs.Pointer + begin * before.Stride, d, length);
            }
        }

        /// <summary>target[c, r] = source[r, c] for <paramref name="rows"/> × <paramref name="columns"/>; target rows are filled up with zeros.</summary>
        private static void Transpose(float* source, int rows, int columns, int stride, float* target, int targetStride)
        {
            for (int c = 0; c < columns; c++)
            {
                float* to = target + (nint)c * targetStride;
                for (int r = 0; r < rows; r++)
                {
                    to[r] = source[(nint)r * stride + c];
                }

                for (int r = rows; r < targetStride; r++)
                {
                    to[r] = 0;
                }
            }
        }

        /// <summary>target[r, c] = source[c, r] for <paramref name="rows"/> × <paramref name="columns"/>; target rows are filled up with zeros.</summary>
        private static void Untranspose(float* source, int sourceStride, int rows, int columns, float* target, int stride)
        {
            for (int r = 0; r < rows; r++)
            {
                float* to = target + (nint)r * stride;
                for (int c = 0; c < columns; c++)
                {
                    to[c] = source[(nint)c * sourceStride + r];
                }

                for (int c = columns; c < stride; c++)
                {
                    to[c] = 0;
                }
            }
        }
    }

    /// <summary>Weight gradients, tile by tile, the shards of the node added by the tree.</summary>
    private sealed class WeightPass(GradientEngine engine) : IParallelBody
    {
        public const int ChunkInputs = 48;
        public const int ChunkPanels = 2;

        public StepBatch Batch { get; set; } = null!;

        public TreeNode Node { get; set; }

        public float* Gradient { get; set; }

        public int Parts
        {
            get
            {
                int parts = 0;
                for (int i = 0; i < engine.layers.Length; i++)
                {
                    parts += PartsOf(engine.network.Layout.Layers[i]);
                }

                return parts;
            }
        }

        public void Run(int part, int thread)
        {
            int layer = 0;
            while (part >= PartsOf(engine.network.Layout.Layers[layer]))
            {
                part -= PartsOf(engine.network.Layout.Layers[layer]);
                layer++;
            }

            LayerLayout layout = engine.network.Layout.Layers[layer];
            int chunks = ChunksOf(layout);
            int panel = part / chunks * ChunkPanels, input = part % chunks * ChunkInputs;
            int panels = Math.Min(ChunkPanels, layout.Panels - panel);
            int inputs = Math.Min(ChunkInputs, layout.Inputs - input);
            LayerMemory? before = layer == 0 ? null : engine.layers[layer - 1];
            LayerMemory here = engine.layers[layer];
            float* ones = stackalloc float[1] { 1f };
            var weights = new GemmArguments
            {
                Rows = inputs,
                Panels = panels,
                Segments = 1,
                A = (before?.Passed ?? engine.inputs).Pointer + input,
                ARow = 1,
                AStep = before?.Stride ?? engine.InputStride,
                B = here.Derivatives.Pointer + panel * ParameterLayout.PanelWidth,
                BStep = here.Stride,
                BPanel = ParameterLayout.PanelWidth,
                C = Gradient + layout.WeightIndex(input, panel * ParameterLayout.PanelWidth),
                CRow = ParameterLayout.PanelWidth,
                CPanel = layout.Inputs * ParameterLayout.PanelWidth,
            };
            Sum(weights, Node, thread);
            if (input == 0)
            {
                // The bias is the weight of an input that is always 1.
                GemmArguments bias = weights;
                bias.Rows = 1;
                bias.A = ones;
                bias.ARow = 0;
                bias.AStep = 0;
                bias.C = Gradient + layout.BiasOffset + panel * ParameterLayout.PanelWidth;
                bias.CPanel = ParameterLayout.PanelWidth;
                Sum(bias, Node, thread);
            }
        }

        private static int ChunksOf(LayerLayout layout) => (layout.Inputs + ChunkInputs - 1) / ChunkInputs;

        private static int PartsOf(LayerLayout layout) =>
            ChunksOf(layout) * ((layout.Panels + ChunkPanels - 1) / ChunkPanels);

        /// <summary>C becomes the sum over a node: a shard is a product, a pair of shards a product added to the one before, larger nodes are added.</summary>
        private void Sum(in GemmArguments target, TreeNode node, int thread)
        {
            if (node.Level <= 1)
            {
                Shard(target, node.FirstShard, add: false);
                if (node.Level == 1)
                {
                    Shard(target, node.FirstShard + 1, add: true);
                }

                return;
            }

            Sum(target, node.Left, thread);
            GemmArguments right = target;
            right.C = engine.scratch[thread].Tree[node.Level - 2].Pointer;
            right.CRow = ParameterLayout.PanelWidth;
            right.CPanel = target.Rows * ParameterLayout.PanelWidth;
            Sum(right, node.Right, thread);
            for (int panel = 0; panel < target.Panels; panel++)
            {
                float* left = target.C + panel * target.CPanel;
                engine.kernels.Add(left, right.C + panel * right.CPanel, left, target.Rows * ParameterLayout.PanelWidth);
            }
        }

        private void Shard(GemmArguments target, int shard, bool add)
        {
            int first = Batch.FirstRow(shard), origin = Batch.FirstRow(Node.FirstShard);
            target.SegmentLength = Batch.FirstRow(shard + 1) - first;
            target.A += (first - origin) * target.AStep;
            target.B += (first - origin) * target.BStep;
            target.AddToC = add;
            engine.kernels.Multiply(target);
        }
    }
}
