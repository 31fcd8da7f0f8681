using System.Runtime.InteropServices;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Cluster.Runs;

/// <summary>Vectors of one length that are used again: each goes back when the last of its users has let go of it, such as a frame that was acknowledged.</summary>
/// <param name="length">Floats of each.</param>
internal sealed class SharedBuffers(int length)
{
    private readonly Lock gate = new();
    private readonly Stack<SharedBuffer> free = [];

    /// <summary>A vector with one user, and whatever was in it.</summary>
    public SharedBuffer Rent()
    {
        SharedBuffer? buffer;
        lock (gate)
        {
            free.TryPop(out buffer);
        }

        buffer ??= new SharedBuffer(this, length);
        buffer.Retain();
        return buffer;
    }

    internal void Return(SharedBuffer buffer)
    {
        lock (gate)
        {
            free.Push(buffer);
        }
    }
}

/// <summary>A vector that several use.</summary>
internal sealed class SharedBuffer
{
    private readonly SharedBuffers home;
    private readonly AlignedBuffer buffer;
    private readonly ReadOnlyMemory<byte> bytes;
    private int users;

    public SharedBuffer(SharedBuffers home, int length)
    {
        this.home = home;
        buffer = new AlignedBuffer(length);
        bytes = new FloatBytes(buffer.Memory).Memory;
    }

    /// <summary>The floats.</summary>
    public Memory<float> Floats => buffer.Memory;

    /// <summary>The floats.</summary>
    public Span<float> Span => buffer.Span;

    /// <summary>Some of the floats, as bytes.</summary>
    public ReadOnlyMemory<byte> Bytes(int offset, int length) => bytes.Slice(offset * sizeof(float), length * sizeof(float));

    /// <summary>Some of the vector's bytes, whatever they hold.</summary>
    public Memory<byte> Raw(int offset, int length) => MemoryMarshal.AsMemory(bytes.Slice(offset, length));

    /// <summary>One user more.</summary>
    public void Retain() => Interlocked.Increment(ref users);

    /// <summary>One user less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref users) == 0)
        {
            home.Return(this);
        }
    }
}
