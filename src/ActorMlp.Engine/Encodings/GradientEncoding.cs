using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>Gradient sums to bytes and back. A pure function of its arguments' bits, the same with every set of kernels.</summary>
/// <remarks>
/// <para>
/// <b>Error feedback</b>: with it, <see cref="Encode"/> adds what is still owed to the gradient, x = g + residual, encodes x, and leaves
/// residual = x - decode(encode(x)). The sum is rounded once; the difference is exact wherever what is decoded is finite, so nothing
/// is lost, only delayed. The caller keeps one residual for each gradient that it encodes step after step, zero at first.
/// </para>
/// <para>
/// <b>Chunks</b>: encodings work on blocks counted from the start of a chunk. A vector that is cut at multiples of
/// <see cref="Granularity"/> gives the bytes of the whole, one chunk after another, so such cuts may depend on anything. Other cuts
/// (at multiples of 16) are allowed, but change what is decoded: they must then be part of the run's fixed plan.
/// </para>
/// <para>
/// <b>Divergence</b> stays visible: a value that is not finite makes at least one decoded value not finite. NaN is always sent as the
/// bits 7FC00000 (7FC0, 7E00 in 16 bits), except by <see cref="GradientEncodingKind.Float32"/>, which changes nothing.
/// </para>
/// <para>
/// Bytes are little-endian, as memory is on every processor that this engine runs on; there is no header. Safe to use from any
/// number of threads.
/// </para>
/// </remarks>
public abstract class GradientEncoding
{
    private protected GradientEncoding(EncodingSpec spec, KernelSet kernels) => (Spec, Kernels) = (spec, kernels);

    /// <summary>What it was made from.</summary>
    public EncodingSpec Spec { get; }

    /// <summary>Whether <see cref="Encode"/> takes and updates a residual.</summary>
    public bool HasErrorFeedback => Spec.HasErrorFeedback;

    /// <summary>Floats between places where a vector may be cut without a change of its bytes; a multiple of 16.</summary>
    public virtual int Granularity => KernelSet.Lane;

    private protected KernelSet Kernels { get; }

    /// <summary>Makes an encoding that computes with <see cref="KernelSelection"/>'s kernels.</summary>
    /// <exception cref="ArgumentException">A constant is out of range; the message says which.</exception>
    public static GradientEncoding Create(EncodingSpec spec) => Create(spec, KernelSelection.Current);

    internal static GradientEncoding Create(EncodingSpec spec, KernelSet kernels)
    {
        ArgumentNullException.ThrowIfNull(spec);
        string[] problems = [.. spec.Problems().Select(problem => $"{problem.Property} {problem.Problem}")];
        if (problems.Length > 0)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(spec));
        }

        return spec.Kind switch
        {
            GradientEncodingKind.Float32 => new Float32Encoding(spec, kernels),
            GradientEncodingKind.Bfloat16 => new BFloat16Encoding(spec, kernels),
            GradientEncodingKind.Float16 => new Float16Encoding(spec, kernels),
            GradientEncodingKind.Int8 => new Int8Encoding(spec, kernels),
            _ => new TopKEncoding(spec, kernels),
        };
    }

    /// <summary>Bytes of an encoded chunk; depends on nothing else.</summary>
    /// <param name="count">Floats of the chunk, a multiple of 16.</param>
    /// <exception cref="ArgumentException">The count is not a multiple of 16, or its bytes do not fit in a span.</exception>
    public int EncodedLength(int count)
    {
        if (count < 0 || count % KernelSet.Lane != 0)
        {
            throw new ArgumentException($"a chunk of {count} floats is no multiple of {KernelSet.Lane}", nameof(count));
        }

        long length = BytesOf(count);
        return length <= Array.MaxLength
            ? (int)length
            : throw new ArgumentException($"a chunk of {count} floats encodes to {length} bytes, more than {Array.MaxLength}", nameof(count));
    }

    /// <summary>Encodes a chunk.</summary>
    /// <param name="gradient">The gradient sums.</param>
    /// <param name="residual">
    /// With error feedback: what is owed from before, as long as the gradient and not overlapping it, updated in place. Without: empty.
    /// </param>
    /// <param name="destination">Receives exactly <see cref="EncodedLength"/> bytes.</param>
    /// <exception cref="ArgumentException">A length is wrong; nothing was written.</exception>
    public void Encode(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination)
    {
        CheckEncoded(destination.Length, gradient.Length, nameof(destination));
        int owed = HasErrorFeedback ? gradient.Length : 0;
        if (residual.Length != owed)
        {
            throw new ArgumentException($"the residual of {gradient.Length} floats has {residual.Length}; {owed} are wanted", nameof(residual));
        }

        EncodeChunk(gradient, residual, destination);
    }

    /// <summary>Decodes a chunk over all of <paramref name="destination"/>.</summary>
    /// <param name="source">Exactly <see cref="EncodedLength"/> bytes.</param>
    /// <param name="destination">As many floats as were encoded.</param>
    /// <exception cref="ArgumentException">A length is wrong; nothing was written.</exception>
    /// <exception cref="InvalidDataException">No encoder wrote these bytes; the destination holds part of them.</exception>
    public void Decode(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckEncoded(source.Length, destination.Length, nameof(source));
        DecodeChunk(source, destination);
    }

    private protected abstract long BytesOf(int count);

    private protected abstract void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination);

    private protected abstract void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination);

    private void CheckEncoded(int bytes, int floats, string name)
    {
        int length = EncodedLength(floats);
        if (bytes != length)
        {
            throw new ArgumentException($"{floats} floats encode to {length} bytes; given are {bytes}", name);
        }
    }
}
