using System.Buffers;
using ActorMlp.Engine.Batches;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// Encodes the gradient sums of one level's subtrees, whoever computes them. The level is part of the run, so what an encoding loses is the same for any number
/// of workers; with error feedback each subtree has a residual of its own.
/// </summary>
public sealed class SubtreeEncoder
{
    private readonly GradientEncoding encoding;

    /// <summary>An encoder; with error feedback, what is owed before the first step it is used for must be put into <see cref="Residuals"/>, unless that is step 0.</summary>
    /// <param name="spec">The encoding.</param>
    /// <param name="shards">Shards per step, a power of two.</param>
    /// <param name="subtrees">Subtrees that they are encoded by, a power of two up to the shards.</param>
    /// <param name="length">Floats of a gradient.</param>
    /// <exception cref="ArgumentException">A constant of the encoding is out of range.</exception>
    public SubtreeEncoder(EncodingSpec spec, int shards, int subtrees, int length)
    {
        encoding = GradientEncoding.Create(spec);
        Level = int.Log2(shards / subtrees);
        if (encoding.HasErrorFeedback)
        {
            Residuals = new Residuals(subtrees, length);
        }
    }

    /// <summary>The level of the subtrees.</summary>
    public int Level { get; }

    /// <summary>The encoding's number on the wire.</summary>
    public byte Code => (byte)encoding.Spec.Kind;

    /// <summary>What the subtrees owe; null without error feedback.</summary>
    public Residuals? Residuals { get; }

    /// <summary>Bytes of the first floats of a gradient.</summary>
    /// <param name="floats">How many: a multiple of the encoding's granularity, or the whole.</param>
    public int EncodedLength(int floats) => encoding.EncodedLength(floats);

    /// <summary>Makes room for what a subtree owes after a step; before the step's pieces are encoded, on any thread.</summary>
    /// <exception cref="InvalidOperationException">It is not known what the subtree owes before the step.</exception>
    public void Begin(TreeNode node, long step)
    {
        Residuals?.Owed(node.Index, step);
        Residuals?.Prepare(node.Index, step + 1);
    }

    /// <summary>Encodes a piece, and puts what a receiver decodes in its place.</summary>
    /// <param name="node">A subtree of <see cref="Level"/>.</param>
    /// <param name="step">The step.</param>
    /// <param name="offset">Where the piece begins in the gradient; it begins and ends at multiples of the encoding's granularity, or with the vector.</param>
    /// <param name="gradient">The piece's floats.</param>
    /// <param name="destination">Its bytes.</param>
    public void Encode(TreeNode node, long step, int offset, Span<float> gradient, Span<byte> destination)
    {
        Span<float> owed = default;
        if (Residuals is not null)
        {
            owed = Residuals.Owed(node.Index, step + 1).Span.Slice(offset, gradient.Length);
            Residuals.Owed(node.Index, step).Span.Slice(offset, gradient.Length).CopyTo(owed);
        }

        encoding.Encode(gradient, owed, destination);
        encoding.Decode(destination, gradient);
    }

    /// <summary>Puts what a receiver would decode in the place of a whole gradient, which does not travel.</summary>
    /// <param name="node">A subtree of <see cref="Level"/>.</param>
    /// <param name="step">The step.</param>
    /// <param name="gradient">The gradient.</param>
    public void EncodeInPlace(TreeNode node, long step, Span<float> gradient)
    {
        int length = EncodedLength(gradient.Length);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        Begin(node, step);
        Encode(node, step, 0, gradient, bytes.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>Decodes a piece.</summary>
    /// <exception cref="ArgumentException">There are more or fewer bytes than the piece has.</exception>
    /// <exception cref="InvalidDataException">No encoder wrote these bytes.</exception>
    public void Decode(ReadOnlySpan<byte> source, Span<float> destination) => encoding.Decode(source, destination);
}
