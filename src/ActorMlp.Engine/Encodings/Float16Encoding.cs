using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// IEEE 754 binary16, rounded to nearest, ties to even: |x - decoded| ≤ 2⁻¹¹·|x| from 2⁻¹⁴ to 65,504, ≤ 2⁻²⁵ below, where subnormals go on
/// down to 2⁻²⁴. From 65,520 on x becomes infinity, not 65,504: a run that needs the range should fail visibly, or take bfloat16.
/// </summary>
internal sealed class Float16Encoding(EncodingSpec spec, KernelSet kernels) : GradientEncoding(spec, kernels)
{
    private protected override long BytesOf(int count) => (long)count * sizeof(ushort);

    private protected override void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination) =>
        Kernels.EncodeFloat16(gradient, residual, destination);

    private protected override void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination) =>
        Kernels.DecodeFloat16(source, destination);
}
