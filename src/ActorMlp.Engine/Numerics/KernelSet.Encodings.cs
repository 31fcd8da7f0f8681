namespace ActorMlp.Engine.Numerics;

/// <summary>What gradient encodings need. Lengths are multiples of 16; spans may lie at any address and do not overlap.</summary>
/// <remarks>
/// Where a <c>residual</c> is not empty it is as long as the gradient g: the kernel encodes x = g + residual, rounded once, and leaves
/// residual = x - decode(encode(x)). An empty one means x = g.
/// </remarks>
internal abstract partial class KernelSet
{
    /// <summary>The bits of the NaN that encodings write, whatever NaN they meet: processors make NaNs of different signs.</summary>
    public const uint NaNBits = 0x7FC00000;

    /// <summary>The bits of a float's magnitude; as words they order like magnitudes, NaN above infinity.</summary>
    public const uint MagnitudeBits = 0x7FFFFFFF;

    /// <summary>The bits of infinity.</summary>
    public const uint InfinityBits = 0x7F800000;

    /// <summary>x to bfloat16, to nearest, ties to even; 2 bytes a value.</summary>
    public abstract void EncodeBFloat16(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> encoded);

    /// <summary>The floats that bfloat16 values stand for; exact.</summary>
    public abstract void DecodeBFloat16(ReadOnlySpan<byte> encoded, Span<float> values);

    /// <summary>x to IEEE 754 binary16, to nearest, ties to even, with subnormals; 2 bytes a value.</summary>
    public abstract void EncodeFloat16(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> encoded);

    /// <summary>The floats that binary16 values stand for; exact.</summary>
    public abstract void DecodeFloat16(ReadOnlySpan<byte> encoded, Span<float> values);

    /// <summary>
    /// x in blocks of <paramref name="block"/> floats, the last perhaps shorter: the scale s = max|x| / 127, then a byte q = x / s, to
    /// nearest, ties to even, for each. Where s would be subnormal, s = 0 and q = 0; where max|x| is not finite, s = NaN and q = 0.
    /// </summary>
    public abstract void EncodeInt8(ReadOnlySpan<float> gradient, Span<float> residual, int block, Span<byte> encoded);

    /// <summary>q·s, rounded once.</summary>
    public abstract void DecodeInt8(ReadOnlySpan<byte> encoded, int block, Span<float> values);

    /// <summary>sum += addend; a NaN becomes the one of <see cref="NaNBits"/>.</summary>
    public abstract void Accumulate(ReadOnlySpan<float> addend, Span<float> sum);

    /// <summary>The largest of the values' magnitudes, as bits; 0 for no values.</summary>
    public abstract uint LargestMagnitude(ReadOnlySpan<float> values);

    /// <summary>How many values have a magnitude, as bits, of at least <paramref name="least"/>, which is in 1 … 2³¹.</summary>
    public abstract int CountMagnitudes(ReadOnlySpan<float> values, uint least);

    /// <summary>
    /// The indices, ascending, of the values whose magnitude as bits is above <paramref name="least"/>, and of the first
    /// <paramref name="ties"/> that equal it, until <paramref name="indices"/> is full.
    /// </summary>
    /// <returns>How many indices there are.</returns>
    public abstract int SelectMagnitudes(ReadOnlySpan<float> values, uint least, int ties, Span<ushort> indices);
}
