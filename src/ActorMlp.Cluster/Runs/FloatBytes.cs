using System.Buffers;
using System.Runtime.InteropServices;
using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.Runs;

/// <summary>Floats seen as the bytes that go over the wire (little-endian, as every machine that .NET runs on has them).</summary>
/// <param name="floats">The floats.</param>
internal sealed class FloatBytes(Memory<float> floats) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(floats.Span);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        (int index, int rest) = Math.DivRem(elementIndex, sizeof(float));
        return rest == 0 ? floats[index..].Pin() : throw new ArgumentOutOfRangeException(nameof(elementIndex));
    }

    public override void Unpin()
    {
        // The handle that Pin gave does it.
    }

    protected override void Dispose(bool disposing)
    {
        // Nothing is owned here.
    }
}

/// <summary>The floats of a payload that arrived, for as long as the payload is not disposed.</summary>
/// <param name="payload">The payload.</param>
internal sealed class PayloadFloats(BulkBuffer payload) : MemoryManager<float>
{
    public override Span<float> GetSpan() => MemoryMarshal.Cast<byte, float>(MemoryMarshal.AsMemory(payload.Memory).Span);

    public override MemoryHandle Pin(int elementIndex = 0) => payload.Memory[(elementIndex * sizeof(float))..].Pin();

    public override void Unpin()
    {
        // The handle that Pin gave does it.
    }

    protected override void Dispose(bool disposing)
    {
        // The payload is disposed by whoever took it from the wire.
    }
}
