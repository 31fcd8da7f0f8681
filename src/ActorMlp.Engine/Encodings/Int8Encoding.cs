using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// Blocks of bytes: s = max|x| / 127 as a float32, then q = x / s as a signed byte for each value, to nearest, ties to even; decoded as q·s.
/// </summary>
/// <remarks>
/// <para>
/// Each operation is rounded once in a fixed order, so |x - q·s| ≤ s/2 up to the last bits: 0.4 % of the block's largest magnitude. With
/// error feedback x - q·s is exact: q·s is 0 or within a factor of 2 of x.
/// </para>
/// <para>
/// A block whose largest magnitude is below 127·2⁻¹²⁶ (1.5·10⁻³⁶) is sent as zeros, as a subnormal scale would be too coarse. A block
/// with NaN or infinity gets the scale NaN and decodes to nothing but NaN, and so does its residual. Within an ulp or so of the largest
/// float, 127·s may round to infinity.
/// </para>
/// </remarks>
internal sealed class Int8Encoding(EncodingSpec spec, KernelSet kernels) : GradientEncoding(spec, kernels)
{
    public override int Granularity => Spec.BlockSize;

    private protected override long BytesOf(int count) => count + sizeof(float) * (((long)count + Spec.BlockSize - 1) / Spec.BlockSize);

    private protected override void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination) =>
        Kernels.EncodeInt8(gradient, residual, Spec.BlockSize, destination);

    private protected override void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination) =>
        Kernels.DecodeInt8(source, Spec.BlockSize, destination);
}
