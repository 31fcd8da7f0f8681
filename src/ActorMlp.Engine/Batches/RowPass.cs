using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Batches;

/// <summary>What a pass over rows is for.</summary>
internal enum RowPassMode
{
    /// <summary>Forward with dropout, loss, and back to the first layer.</summary>
    Train,

    /// <summary>Forward and loss.</summary>
    Evaluate,

    /// <summary>Forward to the output activation.</summary>
    Predict,
}

/// <summary>
/// The loop over rows: groups of blocks of 16 rows go through the whole network, one thread each, without a barrier.
/// Leaves each layer's inputs <c>[blocks][inputs][16 rows]</c> and output gradients <c>[panels][rows][16 units]</c>.
/// </summary>
internal sealed partial class RowPass : IParallelBody
{
    private const int Lane = KernelSet.Lane;
    /// <summary>Blocks of rows that a thread takes through the network at a time, at most.</summary>
    public const int MaxGroupBlocks = 8;

    private readonly Network network;
    private readonly KernelSet kernels;
    private readonly DropoutPlan[] dropout;
    private readonly Scratch[] scratches;
    private readonly AlignedBuffer[] inputs;
    private readonly AlignedBuffer[] panelGradients;
    private readonly int[] widths;

    private AlignedBuffer outputs = new(0);
    private float[] losses = [];
    private byte[] hits = [];
    private IExampleSource source = null!;
    private ReadOnlyMemory<int> order;
    private int firstRow;
    private int groupBlocks;
    private RowPassMode mode;
    private ulong seed;
    private long step;
    private FloatRegion parameters;

    public RowPass(Network network, KernelSet kernels, int threads)
    {
        this.network = network;
        this.kernels = kernels;
        dropout = DropoutPlan.For(network.Spec);
        widths = [Padded(network.Spec.Inputs), .. network.Spec.Layers.Select(layer => Padded(layer.Units))];
        inputs = new AlignedBuffer[network.Spec.Layers.Count];
        panelGradients = new AlignedBuffer[inputs.Length];
        for (int layer = 0; layer < inputs.Length; layer++)
        {
            inputs[layer] = new AlignedBuffer(0);
            panelGradients[layer] = new AlignedBuffer(0);
        }

        scratches = new Scratch[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            scratches[thread] = new Scratch(widths, dropout);
        }
    }

    /// <summary>Number of groups, the parts of the loop.</summary>
    public int Groups => groupBlocks == 0 ? 0 : (Blocks + groupBlocks - 1) / groupBlocks;

    /// <summary>Number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Blocks of 16 rows.</summary>
    public int Blocks => (Rows + Lane - 1) / Lane;

    /// <summary>The rows' losses.</summary>
    public ReadOnlySpan<float> Losses => losses.AsSpan(0, Rows);

    /// <summary>1 for each row classified correctly.</summary>
    public ReadOnlySpan<byte> Hits => hits.AsSpan(0, Rows);

    /// <summary>Floats between blocks of a layer's inputs.</summary>
    public int InputStride(int layer) => widths[layer] * Lane;

    /// <summary>Floats between panels of a layer's output gradients.</summary>
    public int PanelStride => Blocks * Lane * Lane;

    /// <summary>A layer's inputs.</summary>
    public FloatRegion Inputs(int layer) => inputs[layer].Region;

    /// <summary>A layer's output gradients.</summary>
    public FloatRegion PanelGradients(int layer) => panelGradients[layer].Region;

    /// <summary>Makes ready to train on a node's rows.</summary>
    public void Prepare(StepBatch batch, TreeNode node)
    {
        int first = batch.FirstRow(node.FirstShard);
        order = batch.Rows[first..batch.FirstRow(node.EndShard)];
        seed = batch.Seed;
        step = batch.Step;
        Prepare(batch.Source, order.Length, RowPassMode.Train);
    }

    /// <summary>Makes ready for neighbouring rows of a data set.</summary>
    public void Prepare(IExampleSource examples, int first, int rows, RowPassMode purpose)
    {
        order = default;
        firstRow = first;
        Prepare(examples, rows, purpose);
    }

    /// <summary>Gives the parameters, pinned until the loop is done.</summary>
    public void Bind(FloatRegion weights) => parameters = weights;

    /// <inheritdoc/>
    public void Run(int part, int worker)
    {
        int first = part * groupBlocks;
        int blocks = Math.Min(groupBlocks, Blocks - first);
        Scratch scratch = scratches[worker];
        scratch.Reserve(groupBlocks, mode);
        Gather(scratch, first, blocks);
        Forward(scratch, first, blocks);
        for (int block = 0; block < blocks; block++)
        {
            Finish(scratch, first + block, block);
        }

        if (mode == RowPassMode.Train)
        {
            Backward(scratch, first, blocks);
        }
    }

    /// <summary>Adds an evaluation's rows to <paramref name="totals"/>, in row order.</summary>
    public void AddTo(ref EvaluationTotals totals)
    {
        double loss = totals.LossSum, error = totals.SquaredErrorSum, sum = totals.TargetSum, square = totals.TargetSquareSum;
        long correct = totals.Correct;
        int count = network.OutputCount;
        float[] targets = new float[source.Targets];
        for (int row = 0; row < Rows; row++)
        {
            loss += losses[row];
            correct += hits[row];
            if (source.Targets == 0)
            {
                continue;
            }

            source.CopyTargets(RowNumber(row), targets);
            for (int output = 0; output < count; output++)
            {
                double target = targets[output], difference = Output(row, output) - target;
                error += difference * difference;
                sum += target;
                square += target * target;
            }
        }

        totals = new EvaluationTotals(totals.Rows + Rows, loss, correct, error, sum, square);
    }

    /// <summary>Writes a prediction's outputs as <c>[rows, outputs]</c>.</summary>
    public void CopyOutputs(Span<float> destination)
    {
        int count = network.OutputCount;
        for (int i = 0; i < Rows * count; i++)
        {
            destination[i] = Output(i / count, i % count);
        }
    }

    private static int Padded(int count) => (count + Lane - 1) / Lane * Lane;

    private void Prepare(IExampleSource examples, int rows, RowPassMode purpose)
    {
        source = examples;
        mode = purpose;
        Rows = rows;

        // Enough groups for every thread, and for as many rows as possible per reading of the weights.
        int share = (Blocks + scratches.Length - 1) / scratches.Length;
        groupBlocks = share == 1 ? 1 : Math.Min(MaxGroupBlocks, (share + 1) / 2 * 2);
        if (losses.Length < Blocks * Lane)
        {
            losses = new float[Blocks * Lane];
            hits = new byte[Blocks * Lane];
        }

        if (purpose == RowPassMode.Train)
        {
            for (int layer = 0; layer < inputs.Length; layer++)
            {
                Grow(ref inputs[layer], (long)Blocks * widths[layer] * Lane);
                Grow(ref panelGradients[layer], (long)Blocks * widths[layer + 1] * Lane);
            }
        }
        else
        {
            Grow(ref outputs, (long)Blocks * widths[^1] * Lane);
        }
    }

    private static void Grow(ref AlignedBuffer buffer, long length)
    {
        if (buffer.Length < length)
        {
            buffer = new AlignedBuffer(checked((int)length));
        }
    }

    private int RowNumber(int row) => order.IsEmpty ? firstRow + row : order.Span[row];

    private float Output(int row, int output) =>
        outputs.Span[row / Lane * widths[^1] * Lane + output * Lane + row % Lane];

    /// <summary>The inputs of layer <paramref name="layer"/> for the group: kept for all rows in training, in scratch otherwise.</summary>
    private FloatRegion InputsOf(int layer, Scratch scratch, int firstBlock) => mode == RowPassMode.Train
        ? inputs[layer].Region.From((long)firstBlock * widths[layer] * Lane)
        : scratch.Values[layer].Region;

    private void Gather(Scratch scratch, int firstBlock, int blocks)
    {
        FloatRegion destination = InputsOf(0, scratch, firstBlock);
        FloatRegion rows = scratch.Gathered.Region;
        int width = widths[0], count = network.Spec.Inputs;
        for (int block = 0; block < blocks; block++)
        {
            int first = (firstBlock + block) * Lane;
            for (int lane = 0; lane < Lane; lane++)
            {
                Span<float> row = rows.Span.Slice(lane * width, count);
                if (first + lane < Rows)
                {
                    source.CopyInputs(RowNumber(first + lane), row);
                }
                else
                {
                    row.Clear();
                }
            }

            FloatRegion values = destination.From((long)block * width * Lane);
            Transposition.RowsToLanes(rows, width, values, width);
            if (mode == RowPassMode.Train && dropout[0].Active)
            {
                FloatRegion mask = scratch.Masks[0].Region;
                Mask(mask, 0, first, scratch);
                kernels.Multiply(values, mask, values, width * Lane);
            }
        }
    }

    private void Mask(FloatRegion mask, int stage, int first, Scratch scratch)
    {
        for (int lane = 0; lane < Lane; lane++)
        {
            scratch.RowNumbers[lane] = first + lane < Rows ? (uint)RowNumber(first + lane) : 0;
        }

        DropoutPlan plan = dropout[stage];
        int width = stage == 0 ? network.Spec.Inputs : network.Spec.Layers[stage - 1].Units;
        kernels.DropoutMask(seed, step, scratch.RowNumbers, plan.FirstIndex, width, plan.Threshold, plan.Scale, mask);
    }

    private void Forward(Scratch scratch, int firstBlock, int blocks)
    {
        int last = inputs.Length - 1;
        for (int layer = 0; layer <= last; layer++)
        {
            LayerSpec spec = network.Spec.Layers[layer];
            LayerLayout at = network.Layout.Layers[layer];
            bool dropped = mode == RowPassMode.Train && dropout[layer + 1].Active;
            int stride = widths[layer + 1] * Lane;

            // Where dropout follows, the undropped values are needed again for the derivative, so they stay in scratch.
            FloatRegion z = layer == last || dropped ? scratch.Values[layer + 1].Region : InputsOf(layer + 1, scratch, firstBlock);
            kernels.Forward(
                parameters.From(at.WeightsOffset), parameters.From(at.BiasOffset), at.Inputs, at.Units,
                InputsOf(layer, scratch, firstBlock), InputStride(layer), z, stride, blocks);
            if (layer == last)
            {
                return;
            }

            kernels.Activate(spec.Activation, spec.LeakySlope, z, z, stride * blocks);
            for (int block = 0; dropped && block < blocks; block++)
            {
                long start = (long)block * stride;
                FloatRegion mask = scratch.Masks[layer + 1].Region.From(start);
                Mask(mask, layer + 1, (firstBlock + block) * Lane, scratch);
                kernels.Multiply(z.From(start), mask, InputsOf(layer + 1, scratch, firstBlock).From(start), stride);
            }
        }
    }

    private void Backward(Scratch scratch, int firstBlock, int blocks)
    {
        FloatRegion dz = scratch.Gradients.Region, dx = scratch.NextGradients.Region;
        int between = scratch.GradientStride;
        for (int layer = inputs.Length - 1; layer >= 0; layer--)
        {
            LayerLayout at = network.Layout.Layers[layer];
            int width = widths[layer + 1];
            for (int block = 0; block < blocks; block++)
            {
                FloatRegion gradient = dz.From((long)block * between);
                gradient.Span[(at.Units * Lane)..(width * Lane)].Clear();
                Transposition.LanesToPanels(
                    gradient, panelGradients[layer].Region.From((long)(firstBlock + block) * Lane * Lane), PanelStride, width);
            }

            if (layer == 0)
            {
                return;
            }

            kernels.Backward(parameters.From(at.WeightsOffset), at.Inputs, at.Units, dz, between, dx, between, blocks);
            LayerSpec below = network.Spec.Layers[layer - 1];
            int stride = widths[layer] * Lane, count = at.Inputs * Lane;
            bool dropped = dropout[layer].Active;
            FloatRegion y = dropped ? scratch.Values[layer].Region : InputsOf(layer, scratch, firstBlock);
            for (int block = 0; block < blocks; block++)
            {
                FloatRegion gradient = dx.From((long)block * between);
                if (dropped)
                {
                    kernels.Multiply(gradient, scratch.Masks[layer].Region.From((long)block * stride), gradient, count);
                }

                kernels.Differentiate(below.Activation, below.LeakySlope, y.From((long)block * stride), gradient, count);
            }

            (dz, dx) = (dx, dz);
        }
    }
}
