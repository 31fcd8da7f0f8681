using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// The upper 16 bits of each float, rounded to nearest, ties to even: |x - decoded| ≤ 2⁻⁸·|x|, or ≤ 2⁻¹³⁴ for subnormals, which
/// are kept. What rounds beyond the largest bfloat16, 3.39·10³⁸, becomes infinity.
/// </summary>
internal sealed class BFloat16Encoding(EncodingSpec spec, KernelSet kernels) : GradientEncoding(spec, kernels)
{
    private protected override long BytesOf(int count) => (long)count * sizeof(ushort);

    private protected override void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination) =>
        Kernels.EncodeBFloat16(gradient, residual, destination);

    private protected override void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination) =>
        Kernels.DecodeBFloat16(source, destination);
}
