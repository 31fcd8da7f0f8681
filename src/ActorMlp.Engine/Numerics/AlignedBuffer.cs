namespace ActorMlp.Engine.Numerics;

/// <summary>Floats that never move and start on a 64-byte boundary: a cache line, and the widest vector.</summary>
public sealed unsafe class AlignedBuffer
{
    private const int Alignment = 64;
    private readonly float[] array;
    private readonly int offset;

    /// <summary>Zeroed memory for <paramref name="length"/> floats.</summary>
    public AlignedBuffer(int length)
    {
        Length = length;
        array = GC.AllocateArray<float>(length + Alignment / sizeof(float), pinned: true);
        fixed (float* start = array)
        {
            nuint misalignment = (nuint)start % Alignment;
            offset = misalignment == 0 ? 0 : (int)((Alignment - misalignment) / sizeof(float));
            Pointer = start + offset;
        }
    }

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>The floats.</summary>
    public Span<float> Span => array.AsSpan(offset, Length);

    /// <summary>The floats.</summary>
    public Memory<float> Memory => array.AsMemory(offset, Length);

    internal float* Pointer { get; }
}
