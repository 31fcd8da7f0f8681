using System.Runtime.InteropServices;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// The payload of a frame that arrived, at a 64-byte boundary. Whoever holds it owns it; disposing it gives the memory back to the pool and the
/// sender its credit, so a buffer kept for long slows its sender down.
/// </summary>
/// <remarks>The memory is pooled, this object is not: a holder that disposes it twice, or uses it later, harms no one who got the memory since.</remarks>
public sealed class BulkBuffer : IDisposable
{
    private readonly BulkBufferPool pool;
    private readonly int length;
    private IBulkCredit? credit;
    private Memory<byte> block;
    private int disposed;

    internal BulkBuffer(BulkBufferPool pool, int length)
    {
        this.pool = pool;
        this.length = length;
        block = length == 0 ? default : pool.Rent(length + FrameHead.ChecksumSize);
    }

    /// <summary>Bytes of the payload.</summary>
    public int Length => length;

    /// <summary>The payload.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public ReadOnlyMemory<byte> Memory => Block[..length];

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Span => Block.Span[..length];

    /// <summary>The payload as the floats it consists of (without the bytes of a last one that is not whole).</summary>
    public ReadOnlySpan<float> Floats => MemoryMarshal.Cast<byte, float>(Span);

    /// <summary>Room for the payload and the checksum that follows it, so that one read gets both.</summary>
    internal Memory<byte> Incoming => Block[..(length == 0 ? 0 : length + FrameHead.ChecksumSize)];

    private Memory<byte> Block
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref disposed) != 0, this);
            return block;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            return;
        }

        if (length > 0)
        {
            pool.Return(block);
            block = default;
        }

        credit?.Release(FrameHead.Size + length);
    }

    /// <summary>From now on disposing gives credit back: the frame was accepted.</summary>
    internal void Accepted(IBulkCredit owner) => credit = owner;
}
