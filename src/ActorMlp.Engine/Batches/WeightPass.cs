using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// The loop over tiles of all layers' weight gradients. A part is some panels of units by a range of inputs, and with the first inputs the panels'
/// biases; it writes its piece of the gradient once.
/// </summary>
/// <remarks>
/// Where there are many rows they are taken in groups, such that a group's inputs stay in the second-level cache while panel after panel meets them:
/// whole subtrees of shards, whose sums are then added by the same tree, or pieces of one shard, whose chains go on from piece to piece.
/// </remarks>
internal sealed class WeightPass : IParallelBody
{
    /// <summary>Inputs of a part: large enough to outweigh taking it, small enough to share evenly between threads.</summary>
    public const int InputsOfAPart = 192;

    /// <summary>Panels of a part where rows are taken in groups: as often are a group's inputs read while they are in cache.</summary>
    public const int PanelsOfALargePart = 8;

    /// <summary>Rows of a group: 512 rows × 192 inputs are 393 KB, within the second-level cache.</summary>
    public const int GroupRows = 512;

    private const int Lane = KernelSet.Lane;

    private readonly Network network;
    private readonly KernelSet kernels;
    private readonly Part[] smallParts;
    private readonly Part[] largeParts;
    private readonly AlignedBuffer[] stacks;
    private Part[] parts;
    private int[] shardEnds = [0];
    private int shards;
    private int shardsOfAGroup;
    private RowPass rows = null!;
    private FloatRegion gradient;
    private int firstPart;
    private int biasesBefore;
    private int biasLayer;

    public WeightPass(Network network, KernelSet kernels, int threads)
    {
        this.network = network;
        this.kernels = kernels;
        smallParts = Cut(network, kernels.BlocksPerTile);
        largeParts = Cut(network, PanelsOfALargePart);
        parts = smallParts;
        stacks = new AlignedBuffer[threads];
        Array.Fill(stacks, new AlignedBuffer(0));
    }

    /// <summary>Number of parts of the next loop.</summary>
    public int Parts { get; private set; }

    /// <summary>Makes ready for a node's shards.</summary>
    public void Prepare(StepBatch batch, TreeNode node)
    {
        shards = node.ShardCount;
        if (shardEnds.Length < shards + 1)
        {
            shardEnds = new int[shards + 1];
        }

        int first = batch.FirstRow(node.FirstShard);
        for (int shard = 0; shard <= shards; shard++)
        {
            shardEnds[shard] = batch.FirstRow(node.FirstShard + shard) - first;
        }

        int rowsOfAShard = Math.Max(1, (shardEnds[shards] + shards - 1) / shards);
        shardsOfAGroup = Math.Min(shards, 1 << int.Log2(Math.Max(1, GroupRows / rowsOfAShard)));
        parts = shardEnds[shards] <= GroupRows ? smallParts : largeParts;
        (firstPart, biasesBefore, Parts) = (0, 0, parts.Length);
    }

    /// <summary>
    /// Makes ready for loops that begin in the middle of a layer: its biases come first, as they lie behind all its weights.
    /// </summary>
    /// <param name="start">The float where the loops begin.</param>
    /// <returns>The first part that reaches beyond it: the loops go from there to the end, then from the first part to there.</returns>
    public int BeginAt(int start)
    {
        int first = 0;
        while (first < parts.Length && EndOf(parts[first]) <= start)
        {
            first++;
        }

        (biasesBefore, biasLayer) = (first, network.Layout.LayerOf(start));
        foreach (Part part in parts.AsSpan(0, first))
        {
            if (part.Layer == biasLayer)
            {
                ComputeBiases(part);
            }
        }

        return first;
    }

    /// <summary>Makes the next loop one that goes on from the last, until all that lies below an end is final.</summary>
    /// <param name="first">The first part that no loop has taken yet.</param>
    /// <param name="end">A float's place in the gradient.</param>
    /// <param name="limit">The first part that was taken before.</param>
    /// <returns>The first part that is left then.</returns>
    public int TakeUpTo(int first, int end, int limit)
    {
        firstPart = first;
        int next = first;
        while (next < limit && BeginsBelow(parts[next], end))
        {
            next++;
        }

        Parts = next - first;
        return next;
    }

    /// <summary>Gives the rows' results, and where to write the gradient, pinned until the loop is done.</summary>
    public void Bind(RowPass rowPass, FloatRegion gradientSum)
    {
        rows = rowPass;
        gradient = gradientSum;
    }

    /// <inheritdoc/>
    public void Run(int part, int worker)
    {
        Part of = parts[firstPart + part];
        LayerLayout at = network.Layout.Layers[of.Layer];
        int inputs = of.EndInput - of.FirstInput;
        FloatRegion target = gradient.From(at.WeightsOffset + ((long)of.Panel * at.Inputs + of.FirstInput) * Lane);
        var whole = new Piece(target, at.Inputs * Lane);

        // The binary counter over groups: the first sum stands in the gradient itself, open ones above it on the thread's stack.
        int depth = 0;
        for (int group = 0; group < shards / shardsOfAGroup; group++)
        {
            Compute(of, group, depth == 0 ? whole : Open(worker, depth, of.Panels, inputs));
            depth++;
            for (int pair = group; (pair & 1) == 1; pair >>= 1)
            {
                depth--;
                Add(depth == 1 ? whole : Open(worker, depth - 1, of.Panels, inputs), Open(worker, depth, of.Panels, inputs), of.Panels, inputs);
            }
        }

        if (!HasBiases(firstPart + part))
        {
            ComputeBiases(of);
        }
    }

    /// <summary>Losses and hits: shards in row order, then by the tree.</summary>
    public GradientTotals Totals(RowPass rowPass) => Totals(rowPass, 0, shards);

    /// <summary>Losses and hits of some of the shards, as many as a node has.</summary>
    public GradientTotals Totals(RowPass rowPass, int first, int count)
    {
        if (count > 1)
        {
            return Totals(rowPass, first, count / 2) + Totals(rowPass, first + count / 2, count / 2);
        }

        double loss = 0;
        long correct = 0;
        for (int row = shardEnds[first]; row < shardEnds[first + 1]; row++)
        {
            loss += rowPass.Losses[row];
            correct += rowPass.Hits[row];
        }

        return new GradientTotals(shardEnds[first + 1] - shardEnds[first], loss, correct);
    }

    /// <summary>In the order of the parameters, as the update goes through them: what a thread wrote here it finds in its cache there.</summary>
    private static Part[] Cut(Network network, int panelsOfAPart)
    {
        var list = new List<Part>();
        for (int layer = 0; layer < network.Layout.Layers.Count; layer++)
        {
            LayerLayout at = network.Layout.Layers[layer];
            for (int panel = 0; panel < at.Panels; panel += panelsOfAPart)
            {
                for (int input = 0; input < at.Inputs; input += InputsOfAPart)
                {
                    int panels = Math.Min(panelsOfAPart, at.Panels - panel);
                    list.Add(new Part(layer, panel, panels, input, Math.Min(at.Inputs, input + InputsOfAPart)));
                }
            }
        }

        return [.. list];
    }

    /// <summary>Whether a part's biases were computed before the loops.</summary>
    private bool HasBiases(int part) => part < biasesBefore && parts[part].Layer == biasLayer;

    /// <summary>The biases of a part's panels, if it has them.</summary>
    private void ComputeBiases(Part of)
    {
        LayerLayout at = network.Layout.Layers[of.Layer];
        FloatRegion dz = rows.PanelGradients(of.Layer);
        for (int panel = of.Panel; of.FirstInput == 0 && panel < of.Panel + of.Panels; panel++)
        {
            kernels.BiasGradient(
                dz.From((long)panel * rows.PanelStride), gradient.From(at.BiasOffset + panel * Lane), shardEnds.AsSpan(0, shards + 1));
        }
    }

    private long EndOf(Part part)
    {
        LayerLayout at = network.Layout.Layers[part.Layer];
        return at.WeightsOffset + (long)(part.Panel + part.Panels) * at.Inputs * Lane;
    }

    private bool BeginsBelow(Part part, int end)
    {
        LayerLayout at = network.Layout.Layers[part.Layer];
        return at.WeightsOffset + (long)part.Panel * at.Inputs * Lane < end;
    }

    /// <summary>A group's sum for all panels of a part.</summary>
    private void Compute(Part of, int group, Piece result)
    {
        int firstShard = group * shardsOfAGroup;
        if (shardsOfAGroup > 1)
        {
            Compute(of, shardEnds.AsSpan(firstShard, shardsOfAGroup + 1), false, result);
            return;
        }

        int first = shardEnds[firstShard], end = shardEnds[firstShard + 1];
        for (int start = first; start == first || start < end; start += GroupRows)
        {
            Compute(of, [start, Math.Min(end, start + GroupRows)], start > first, result);
        }
    }

    private void Compute(Part of, ReadOnlySpan<int> ends, bool resume, Piece result)
    {
        // A node without rows has inputs of no length; its chains end where they begin.
        FloatRegion x = rows.Inputs(of.Layer).From(rows.Rows == 0 ? 0 : (long)of.FirstInput * Lane), dz = rows.PanelGradients(of.Layer);
        for (int panel = 0; panel < of.Panels; panel += kernels.BlocksPerTile)
        {
            kernels.WeightGradient(
                x, rows.InputStride(of.Layer), dz.From((long)(of.Panel + panel) * rows.PanelStride), rows.PanelStride,
                result.Region.From((long)panel * result.Stride), result.Stride, of.EndInput - of.FirstInput,
                Math.Min(kernels.BlocksPerTile, of.Panels - panel), ends, resume);
        }
    }

    /// <summary>The open sum at a depth, from 1, of a thread's stack.</summary>
    private Piece Open(int worker, int depth, int panels, int inputs)
    {
        const int Largest = PanelsOfALargePart * InputsOfAPart * Lane;
        int deepest = int.Log2(shards / shardsOfAGroup);
        if (stacks[worker].Length < deepest * Largest)
        {
            stacks[worker] = new AlignedBuffer(deepest * Largest);
        }

        return new Piece(stacks[worker].Region.From((long)(depth - 1) * panels * inputs * Lane), inputs * Lane);
    }

    private void Add(Piece left, Piece right, int panels, int inputs)
    {
        for (int panel = 0; panel < panels; panel++)
        {
            FloatRegion sum = left.Region.From((long)panel * left.Stride);
            kernels.Add(sum, right.Region.From((long)panel * right.Stride), sum, inputs * Lane);
        }
    }

    private readonly record struct Part(int Layer, int Panel, int Panels, int FirstInput, int EndInput);

    /// <summary>A part's sum: <c>[panels][inputs][16]</c>, panels <see cref="Stride"/> floats apart.</summary>
    private readonly record struct Piece(FloatRegion Region, int Stride);
}
