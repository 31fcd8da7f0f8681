using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Optimizers;

/// <summary>
/// The loop over chunks of the parameters: sums the parts by the tree, takes the mean and applies the rule while the chunk is in cache.
/// With clipping it runs twice: first to leave the mean gradient and its chunks' squared norms, then to apply them.
/// </summary>
internal sealed class UpdatePass : IParallelBody
{
    /// <summary>Parameters of a chunk.</summary>
    public const int ChunkLength = 2048;

    private readonly KernelSet kernels;
    private readonly RegularizationSpec regularization;
    private readonly AlignedBuffer[] state;
    private readonly AlignedBuffer[] stacks;
    private readonly AlignedBuffer? means;
    private readonly Chunk[] chunks;
    private readonly double[] squares;
    private readonly int[] nonFinite;

    private GradientPart[] parts = [];
    private int partCount;
    private int depth;
    private float scale;
    private float clip = 1;
    private bool measuring;
    private UpdateRule rule;
    private FloatRegion parameters;

    public UpdatePass(ParameterLayout layout, KernelSet kernels, RegularizationSpec regularization, AlignedBuffer[] state, int threads)
    {
        this.kernels = kernels;
        this.regularization = regularization;
        this.state = state;
        stacks = new AlignedBuffer[threads];
        Array.Fill(stacks, new AlignedBuffer(0));
        means = regularization.ClipNorm is null ? null : new AlignedBuffer(layout.Length);
        var list = new List<Chunk>();
        for (int layer = 0; layer < layout.Layers.Count; layer++)
        {
            LayerLayout at = layout.Layers[layer];
            Cut(list, layer, at.WeightsOffset, at.WeightsLength, true);
            Cut(list, layer, at.BiasOffset, at.BiasLength, false);
        }

        chunks = [.. list];
        squares = new double[chunks.Length];
        nonFinite = new int[layout.Layers.Count];
    }

    private int Length => chunks[^1].Offset + chunks[^1].Length;

    /// <summary>Number of chunks.</summary>
    public int Parts => chunks.Length;

    /// <summary>The first layer with a parameter that is not finite.</summary>
    public int? NonFiniteLayer
    {
        get
        {
            int layer = Array.IndexOf(nonFinite, 1);
            return layer < 0 ? null : layer;
        }
    }

    /// <summary>Takes a step's gradient and constants.</summary>
    public void Prepare(ReadOnlySpan<GradientPart> gradient, long rows, in UpdateRule constants)
    {
        depth = CheckCover(gradient);
        foreach (GradientPart part in gradient)
        {
            if (part.Sum.Length != Length)
            {
                throw new ArgumentException($"the gradient of {part.Node} has {part.Sum.Length} floats, the layout {Length}", nameof(gradient));
            }
        }

        if (parts.Length < gradient.Length)
        {
            parts = new GradientPart[gradient.Length];
        }

        gradient.CopyTo(parts);
        partCount = gradient.Length;
        scale = (float)(1.0 / rows);
        rule = constants;
        clip = 1;
        measuring = false;
        Array.Clear(nonFinite);
    }

    /// <summary>Gives the parameters, pinned until the loop is done.</summary>
    public void Bind(FloatRegion weights) => parameters = weights;

    /// <summary>Makes the next loop leave means and norms only.</summary>
    public void Measure() => measuring = true;

    /// <summary>The norm found, and the factor that brings it within <paramref name="bound"/>.</summary>
    public double Clip(double bound)
    {
        measuring = false;
        double square = 0;
        foreach (double chunk in squares)
        {
            square += chunk;
        }

        double norm = Math.Sqrt(square);
        clip = norm > bound ? (float)(bound / norm) : 1;
        return norm;
    }

    /// <inheritdoc/>
    public void Run(int part, int worker)
    {
        Chunk chunk = chunks[part];
        FloatRegion w = parameters.From(chunk.Offset);
        if (means is null || measuring)
        {
            if (stacks[worker].Length < (depth + 1) * ChunkLength)
            {
                stacks[worker] = new AlignedBuffer((depth + 1) * ChunkLength);
            }

            FloatRegion stack = stacks[worker].Region;
            FloatRegion g = measuring ? means!.Region.From(chunk.Offset) : stack.From((long)depth * ChunkLength);
            Mean(chunk, stack, w, g);
            if (measuring)
            {
                squares[part] = SumOfSquares.Of(g.Span[..chunk.Length]);
            }
            else
            {
                Apply(chunk, g, w);
            }
        }
        else
        {
            FloatRegion g = means.Region.From(chunk.Offset);
            if (clip != 1)
            {
                kernels.Scale(g, clip, chunk.Length);
            }

            Apply(chunk, g, w);
        }
    }

    private static void Cut(List<Chunk> list, int layer, int offset, int length, bool weights)
    {
        for (int start = 0; start < length; start += ChunkLength)
        {
            list.Add(new Chunk(layer, offset + start, Math.Min(ChunkLength, length - start), weights));
        }
    }

    /// <summary>Checks that the nodes make up one tree, left to right; the deepest stack that adding them takes.</summary>
    private static int CheckCover(ReadOnlySpan<GradientPart> gradient)
    {
        Span<TreeNode> open = stackalloc TreeNode[64];
        int height = 0, most = 0, next = 0;
        foreach (GradientPart part in gradient)
        {
            if (part.Node.Level is < 0 or > 30 || part.Node.FirstShard != next)
            {
                throw new ArgumentException($"the gradient of {part.Node} is out of place: the next is to begin at shard {next}", nameof(gradient));
            }

            next = part.Node.EndShard;
            open[height++] = part.Node;
            most = Math.Max(most, height);
            while (height > 1 && open[height - 2].Level == open[height - 1].Level && (open[height - 1].Index & 1) == 1)
            {
                height--;
                open[height - 1] = open[height].Parent;
            }
        }

        return height == 1 ? most : throw new ArgumentException("the gradient's parts do not make up one tree", nameof(gradient));
    }

    private void Mean(Chunk chunk, FloatRegion stack, FloatRegion w, FloatRegion g)
    {
        float l1 = chunk.Weights ? regularization.L1 : 0, l2 = chunk.Weights ? regularization.L2 : 0;
        if (partCount > 1)
        {
            Sum(chunk, stack);
            kernels.MeanGradient(stack, w, g, scale, l1, l2, chunk.Length);
            return;
        }

        // The only part is the root: it is read where it lies.
        Pinning.With(parts[0].Sum.Span.Slice(chunk.Offset, chunk.Length), default, (kernels, w, g, scale, l1, l2), static (sum, _, to) =>
        {
            to.kernels.MeanGradient(sum, to.w, to.g, to.scale, to.l1, to.l2, sum.Length);
            return true;
        });
    }

    /// <summary>The tree over the parts, for one chunk, on a stack of open sums.</summary>
    private void Sum(Chunk chunk, FloatRegion stack)
    {
        Span<TreeNode> open = stackalloc TreeNode[64];
        int height = 0;
        for (int part = 0; part < partCount; part++)
        {
            FloatRegion top = stack.From((long)height * ChunkLength);
            parts[part].Sum.Span.Slice(chunk.Offset, chunk.Length).CopyTo(top.Span);
            open[height++] = parts[part].Node;
            while (height > 1 && open[height - 2].Level == open[height - 1].Level && (open[height - 1].Index & 1) == 1)
            {
                height--;
                FloatRegion left = stack.From((long)(height - 1) * ChunkLength);
                kernels.Add(left, stack.From((long)height * ChunkLength), left, chunk.Length);
                open[height - 1] = open[height].Parent;
            }
        }
    }

    private void Apply(Chunk chunk, FloatRegion g, FloatRegion w)
    {
        FloatRegion first = state.Length > 0 ? state[0].Region.From(chunk.Offset) : default;
        FloatRegion second = state.Length > 1 ? state[1].Region.From(chunk.Offset) : default;
        if (!kernels.Update(chunk.Weights ? rule : rule with { Shrink = 1 }, g, w, first, second, chunk.Length))
        {
            nonFinite[chunk.Layer] = 1;
        }
    }

    private readonly record struct Chunk(int Layer, int Offset, int Length, bool Weights);
}
