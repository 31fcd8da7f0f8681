using System.Numerics;
using System.Runtime.InteropServices;

namespace ActorMlp.Cluster.Bulk.Frames;

/// <summary>Memory of the receive buffers: at a 64-byte boundary, never moved, used again newest first, while it is warm in the caches.</summary>
/// <remarks>Sizes are powers of two and three steps between each pair, so that at most a fifth of a block is unused.</remarks>
/// <param name="keptBytes">Bytes that it keeps at most; what comes back beyond that goes to the garbage collector.</param>
internal sealed class BulkBufferPool(long keptBytes)
{
    private const int Alignment = 64;
    private const int SmallestLog = 12;
    private const int StepsLog = 2;

    private readonly Lock gate = new();
    private readonly Stack<Memory<byte>>[] blocks = [.. Enumerable.Range(0, (31 - SmallestLog) << StepsLog).Select(_ => new Stack<Memory<byte>>())];
    private long kept;

    /// <summary>Bytes that wait for use.</summary>
    public long KeptBytes
    {
        get
        {
            lock (gate)
            {
                return kept;
            }
        }
    }

    /// <summary>A block of at least <paramref name="length"/> bytes, with whatever was in it.</summary>
    public Memory<byte> Rent(int length)
    {
        int size = SizeClass(length, out int index);
        lock (gate)
        {
            if (blocks[index].TryPop(out Memory<byte> block))
            {
                kept -= size;
                return block;
            }
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>(size + Alignment, pinned: true);
        return bytes.AsMemory(AlignmentOffset(bytes), size);
    }

    /// <summary>Takes back a block that <see cref="Rent"/> gave.</summary>
    public void Return(Memory<byte> block)
    {
        _ = SizeClass(block.Length, out int index);
        lock (gate)
        {
            if (kept + block.Length <= keptBytes)
            {
                kept += block.Length;
                blocks[index].Push(block);
            }
        }
    }

    private static int SizeClass(int length, out int index)
    {
        int last = Math.Max(length, 1 << SmallestLog) - 1;
        int log = BitOperations.Log2((uint)last);
        int shift = log - StepsLog;
        int step = last >> shift;
        index = ((log - SmallestLog + 1) << StepsLog) + step - (1 << StepsLog);
        return (step + 1) << shift;
    }

    private static int AlignmentOffset(byte[] pinned) => (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0) & (Alignment - 1));
}
