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
    private const int ChunkLength = UpdateChunk.MaxLength;

    private readonly KernelSet kernels;
    private readonly RegularizationSpec regularization;
    private readonly AlignedBuffer[] state;
    private readonly AlignedBuffer[] stacks;
    private readonly AlignedBuffer? means;
    private readonly ParameterLayout layout;
    private readonly ParameterRange range;
    private readonly UpdateChunk[] all;
    private readonly Dictionary<ParameterRange, UpdateChunk[]> byPiece = [];
    private readonly int[] nonFinite;

    private UpdateChunk[] chunks;
    private double[] squares;
    private int pieceOffset;

    private GradientPart[] parts = [];
    private Memory<float> wholeSum;
    private int partCount;
    private int depth;
    private float scale;
    private float clip = 1;
    private bool measuring;
    private UpdateRule rule;
    private FloatRegion current;
    private FloatRegion parameters;
    private bool copies;

    public UpdatePass(
        ParameterLayout layout, ParameterRange range, KernelSet kernels, RegularizationSpec regularization, AlignedBuffer[] state, int threads)
    {
        this.layout = layout;
        this.range = range;
        this.kernels = kernels;
        this.regularization = regularization;
        this.state = state;
        stacks = new AlignedBuffer[threads];
        Array.Fill(stacks, new AlignedBuffer(0));
        means = regularization.ClipNorm is null ? null : new AlignedBuffer(range.Length);
        all = UpdateChunk.Of(layout, range);
        chunks = all;
        squares = new double[all.Length];
        nonFinite = new int[layout.Layers.Count];
    }

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

    /// <summary>Number of chunks of a piece.</summary>
    public int ChunksIn(ParameterRange piece) => ChunksOf(piece).Length;

    /// <summary>
    /// Takes a step's gradient and the number of rows that it sums over, of a piece; every part has the piece's floats. The next loop leaves the sum over all parts
    /// in <paramref name="sum"/>, unless that is empty.
    /// </summary>
    public void Prepare(ReadOnlySpan<GradientPart> gradient, long rows, ParameterRange piece, Memory<float> sum)
    {
        if (sum.Length != 0 && sum.Length != piece.Length)
        {
            throw new ArgumentException($"a sum of {piece.Length} floats is to be left in {sum.Length}", nameof(sum));
        }

        Select(piece);
        wholeSum = sum;
        depth = CheckCover(gradient);
        foreach (GradientPart part in gradient)
        {
            if (part.Sum.Length != piece.Length)
            {
                throw new ArgumentException($"the gradient of {part.Node} has {part.Sum.Length} floats, its place {piece.Length}", nameof(gradient));
            }
        }

        if (parts.Length < gradient.Length)
        {
            parts = new GradientPart[gradient.Length];
        }

        gradient.CopyTo(parts);
        partCount = gradient.Length;
        scale = (float)(1.0 / rows);
    }

    /// <summary>Makes the next loop go over a piece.</summary>
    public void Select(ParameterRange piece)
    {
        chunks = ChunksOf(piece);
        pieceOffset = piece.Offset;
        measuring = false;
        clip = 1;
        Array.Clear(nonFinite);
    }

    /// <summary>Gives the step's constants.</summary>
    public void Use(in UpdateRule constants) => rule = constants;

    /// <summary>Gives the piece's parameters, pinned until the loop is done.</summary>
    /// <param name="before">As they are.</param>
    /// <param name="after">Where the new ones go: the same memory, or other.</param>
    /// <param name="distinct">Whether it is other memory.</param>
    public void Bind(FloatRegion before, FloatRegion after, bool distinct)
    {
        current = before;
        parameters = after;
        copies = distinct;
    }

    /// <summary>Makes the next loop leave means and norms only.</summary>
    public void Measure() => measuring = true;

    /// <summary>The norms that the last loop has measured, squared, a chunk each.</summary>
    public ReadOnlySpan<double> Squares => squares.AsSpan(0, chunks.Length);

    /// <summary>Makes the next loop apply the means that were measured, scaled such that a norm comes within a bound.</summary>
    public void Clip(double norm, double bound)
    {
        measuring = false;
        clip = norm > bound ? (float)(bound / norm) : 1;
    }

    /// <summary>A norm of chunks' squared norms, added in their order.</summary>
    public static double Norm(ReadOnlySpan<double> squares)
    {
        double square = 0;
        foreach (double chunk in squares)
        {
            square += chunk;
        }

        return Math.Sqrt(square);
    }

    /// <inheritdoc/>
    public void Run(int part, int worker)
    {
        UpdateChunk chunk = chunks[part];
        if (measuring)
        {
            FloatRegion mean = means!.Region.From(chunk.Offset - range.Offset);
            Mean(chunk, Stack(worker), current.From(chunk.Offset - pieceOffset), mean);
            squares[part] = SumOfSquares.Of(mean.Span[..chunk.Length]);
            return;
        }

        FloatRegion w = parameters.From(chunk.Offset - pieceOffset);
        if (copies)
        {
            current.From(chunk.Offset - pieceOffset).Span[..chunk.Length].CopyTo(w.Span);
        }

        FloatRegion g;
        if (means is null)
        {
            FloatRegion stack = Stack(worker);
            g = stack.From((long)depth * ChunkLength);
            Mean(chunk, stack, w, g);
        }
        else
        {
            g = means.Region.From(chunk.Offset - range.Offset);
            if (clip != 1)
            {
                kernels.Scale(g, clip, chunk.Length);
            }
        }

        Apply(chunk, g, w);
    }

    /// <summary>Room for the open sums of a chunk, and for its mean above them.</summary>
    private FloatRegion Stack(int worker)
    {
        if (stacks[worker].Length < (depth + 1) * ChunkLength)
        {
            stacks[worker] = new AlignedBuffer((depth + 1) * ChunkLength);
        }

        return stacks[worker].Region;
    }

    private UpdateChunk[] ChunksOf(ParameterRange piece)
    {
        if (piece == range)
        {
            return all;
        }

        if (!byPiece.TryGetValue(piece, out UpdateChunk[]? found))
        {
            found = range.Contains(piece)
                ? UpdateChunk.Of(layout, piece)
                : throw new ArgumentException($"{piece} are not among {range}", nameof(piece));
            byPiece[piece] = found;
            squares = new double[Math.Max(squares.Length, found.Length)];
        }

        return found;
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

    private void Mean(UpdateChunk chunk, FloatRegion stack, FloatRegion w, FloatRegion g)
    {
        float l1 = chunk.Weights ? regularization.L1 : 0, l2 = chunk.Weights ? regularization.L2 : 0;
        if (partCount > 1)
        {
            Sum(chunk, stack);
            KeepSum(chunk, stack.Span[..chunk.Length]);
            kernels.MeanGradient(stack, w, g, scale, l1, l2, chunk.Length);
            return;
        }

        // The only part is the root: it is read where it lies.
        KeepSum(chunk, parts[0].Sum.Span.Slice(chunk.Offset - pieceOffset, chunk.Length));
        Pinning.With(parts[0].Sum.Span.Slice(chunk.Offset - pieceOffset, chunk.Length), default, (kernels, w, g, scale, l1, l2), static (sum, _, to) =>
        {
            to.kernels.MeanGradient(sum, to.w, to.g, to.scale, to.l1, to.l2, sum.Length);
            return true;
        });
    }

    private void KeepSum(UpdateChunk chunk, ReadOnlySpan<float> sum)
    {
        if (wholeSum.Length > 0)
        {
            sum.CopyTo(wholeSum.Span[(chunk.Offset - pieceOffset)..]);
        }
    }

    /// <summary>The tree over the parts, for one chunk, on a stack of open sums.</summary>
    private void Sum(UpdateChunk chunk, FloatRegion stack)
    {
        Span<TreeNode> open = stackalloc TreeNode[64];
        int height = 0;
        for (int part = 0; part < partCount; part++)
        {
            FloatRegion top = stack.From((long)height * ChunkLength);
            parts[part].Sum.Span.Slice(chunk.Offset - pieceOffset, chunk.Length).CopyTo(top.Span);
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

    private void Apply(UpdateChunk chunk, FloatRegion g, FloatRegion w)
    {
        FloatRegion first = state.Length > 0 ? state[0].Region.From(chunk.Offset - range.Offset) : default;
        FloatRegion second = state.Length > 1 ? state[1].Region.From(chunk.Offset - range.Offset) : default;
        if (!kernels.Update(chunk.Weights ? rule : rule with { Shrink = 1 }, g, w, first, second, chunk.Length))
        {
            nonFinite[chunk.Layer] = 1;
        }
    }
}
