using System.Runtime.InteropServices;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Data.Splits;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Cache;

/// <summary>Writes the rows of one split into a data cache, one after the other, and hashes them.</summary>
internal sealed class CacheRowWriter : IDisposable
{
    private const int BufferSize = 1 << 20;

    private readonly SafeFileHandle file;
    private readonly SplitHasher hasher = new();
    private readonly byte[] buffer;
    private readonly int stride;
    private long offset;
    private int used;

    /// <summary>A writer that stands before the first row.</summary>
    /// <param name="file">The cache.</param>
    /// <param name="layout">Where its rows are.</param>
    /// <param name="part">The split.</param>
    public CacheRowWriter(SafeFileHandle file, DataCacheLayout layout, SplitPart part)
    {
        this.file = file;
        stride = layout.RowStride;
        offset = layout.StartOf(part);
        buffer = new byte[Math.Max(1, BufferSize / stride) * (long)stride];
    }

    /// <summary>Writes the next row.</summary>
    /// <param name="inputs">Its inputs, scaled.</param>
    /// <param name="outcome">Its label, or the bits of its target.</param>
    public void Write(ReadOnlySpan<float> inputs, int outcome)
    {
        Span<byte> row = buffer.AsSpan(used, stride);
        MemoryMarshal.AsBytes(inputs).CopyTo(row);
        Span<byte> after = row[(inputs.Length * sizeof(float))..];
        MemoryMarshal.Write(after, outcome);
        MemoryMarshal.Write(after[sizeof(int)..], RowChecksum.Of(offset + used, inputs, outcome));
        hasher.Add(inputs, outcome);
        used += stride;
        if (used == buffer.Length)
        {
            Flush();
        }
    }

    /// <summary>All rows are written.</summary>
    public SplitFingerprint Finish()
    {
        Flush();
        return hasher.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => hasher.Dispose();

    private void Flush()
    {
        RandomAccess.Write(file, buffer.AsSpan(0, used), offset);
        offset += used;
        used = 0;
    }
}
