using System.Runtime.InteropServices;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>The floats as they are: a copy.</summary>
internal sealed class Float32Encoding(EncodingSpec spec, KernelSet kernels) : GradientEncoding(spec, kernels)
{
    private protected override long BytesOf(int count) => (long)count * sizeof(float);

    private protected override void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination) =>
        MemoryMarshal.AsBytes(gradient).CopyTo(destination);

    private protected override void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination) =>
        source.CopyTo(MemoryMarshal.AsBytes(destination));
}
