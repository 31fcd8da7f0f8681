using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>Floats at a 64-byte boundary that the garbage collector does not move, zero at first.</summary>
/// <remarks>Vector loads of a cache line never straddle two, and buffers of different threads never share one.</remarks>
public sealed unsafe class AlignedBuffer
{
    private const int Alignment = 64;

    /// <summary>Allocates <paramref name="length"/> floats.</summary>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        float[] floats = GC.AllocateArray<float>(length + Alignment / sizeof(float), pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(floats));
        int offset = (int)((-address & (Alignment - 1)) / sizeof(float));
        Memory = floats.AsMemory(offset, length);
        Region = new FloatRegion((float*)address + offset, length);
    }

    /// <summary>Number of floats.</summary>
    public int Length => Memory.Length;

    /// <summary>The floats.</summary>
    public Memory<float> Memory { get; }

    /// <summary>The floats.</summary>
    public Span<float> Span => Memory.Span;

    /// <summary>The floats, for kernels; valid while this buffer is referenced.</summary>
    internal FloatRegion Region { get; }
}
