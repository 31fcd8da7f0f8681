using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// The loop over tiles of all layers' weight gradients. A part is one or two panels of units by a range of inputs, and with the first
/// inputs the panels' biases; it writes its piece of the gradient once.
/// </summary>
internal sealed class WeightPass : IParallelBody
{
    private const int Lane = KernelSet.Lane;

    // Inputs of a part: large enough to outweigh taking it, small enough to share evenly between threads.
    private const int InputsOfAPart = 192;

    private readonly Network network;
    private readonly KernelSet kernels;
    private readonly Part[] parts;
    private int[] shardEnds = [0];
    private int shards;
    private RowPass rows = null!;
    private FloatRegion gradient;

    public WeightPass(Network network, KernelSet kernels)
    {
        this.network = network;
        this.kernels = kernels;
        var list = new List<Part>();

        // In the order of the parameters, as the update goes through them: what a thread wrote here it finds in its cache there.
        for (int layer = 0; layer < network.Layout.Layers.Count; layer++)
        {
            LayerLayout at = network.Layout.Layers[layer];
            for (int panel = 0; panel < at.Panels; panel += kernels.BlocksPerTile)
            {
                for (int input = 0; input < at.Inputs; input += InputsOfAPart)
                {
                    int panels = Math.Min(kernels.BlocksPerTile, at.Panels - panel);
                    list.Add(new Part(layer, panel, panels, input, Math.Min(at.Inputs, input + InputsOfAPart)));
                }
            }
        }

        parts = [.. list];
    }

    /// <summary>Number of parts.</summary>
    public int Parts => parts.Length;

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
        Part of = parts[part];
        LayerLayout at = network.Layout.Layers[of.Layer];
        ReadOnlySpan<int> ends = shardEnds.AsSpan(0, shards + 1);
        FloatRegion dz = rows.PanelGradients(of.Layer);
        kernels.WeightGradient(
            rows.Inputs(of.Layer), rows.InputStride(of.Layer), dz, rows.PanelStride, gradient.From(at.WeightsOffset),
            at.Inputs, of.FirstInput, of.EndInput, of.Panel, of.Panels, ends);
        for (int panel = of.Panel; of.FirstInput == 0 && panel < of.Panel + of.Panels; panel++)
        {
            kernels.BiasGradient(dz.From((long)panel * rows.PanelStride), gradient.From(at.BiasOffset + panel * Lane), ends);
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

    private readonly record struct Part(int Layer, int Panel, int Panels, int FirstInput, int EndInput);
}
