using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ActorMlp.Engine.Batches;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Cache;

/// <summary>The rows of a split in a data cache that is mapped into memory: the operating system reads the pages of rows that are used, and drops them when it must.</summary>
/// <remarks>
/// A row's checksum is checked when the row is first read. Reading goes through the view's handle, so a row of a cache that was let go is an
/// exception and no stray memory. Any number of threads may read.
/// </remarks>
internal sealed class MappedDataset : IExampleSource
{
    private readonly string path;
    private readonly SafeMemoryMappedViewHandle view;
    private readonly long start;
    private readonly int stride;
    private readonly bool hasTargets;

    /// <summary>A bit for each row whose checksum was right.</summary>
    private readonly uint[] known;

    /// <summary>Rows of a mapped file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="view">All of it.</param>
    /// <param name="start">Where the first row begins.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="layout">How rows are laid out.</param>
    /// <param name="hasTargets">Whether rows have a target instead of a label.</param>
    public MappedDataset(string path, SafeMemoryMappedViewHandle view, long start, int rows, DataCacheLayout layout, bool hasTargets)
    {
        this.path = path;
        this.view = view;
        this.start = start;
        this.hasTargets = hasTargets;
        stride = layout.RowStride;
        Rows = rows;
        Inputs = layout.Inputs;
        known = new uint[(rows + 31L) / 32];
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Targets => hasTargets ? 1 : 0;

    /// <inheritdoc/>
    /// <exception cref="DataException">The row is damaged.</exception>
    public void CopyInputs(int row, Span<float> destination)
    {
        long offset = Offset(row);
        Span<float> inputs = destination[..Inputs];

        // The handle copies element by element, so the elements are made as large as a row allows.
        Span<Line> lines = MemoryMarshal.Cast<float, Line>(inputs);
        view.ReadSpan((ulong)offset, lines);
        int done = lines.Length * Line.Floats;
        view.ReadSpan((ulong)(offset + done * sizeof(float)), inputs[done..]);
        if (!IsKnown(row))
        {
            Check(row, offset, inputs);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="DataException">The row is damaged.</exception>
    public int Label(int row) => Outcome(row);

    /// <inheritdoc/>
    /// <exception cref="DataException">The row is damaged.</exception>
    public void CopyTargets(int row, Span<float> destination) => destination[0] = BitConverter.Int32BitsToSingle(Outcome(row));

    /// <summary>Checks every row, in order.</summary>
    /// <exception cref="DataException">A row is damaged.</exception>
    public void CheckAll()
    {
        var inputs = new float[Inputs];
        for (int row = 0; row < Rows; row++)
        {
            CopyInputs(row, inputs);
        }
    }

    private long Offset(int row) => (uint)row < (uint)Rows
        ? start + (long)row * stride
        : throw new ArgumentOutOfRangeException(nameof(row), $"row {row} is not among the {Rows} of the data");

    private int Outcome(int row)
    {
        long offset = Offset(row);
        if (!IsKnown(row))
        {
            CopyInputs(row, new float[Inputs]);
        }

        return view.Read<int>((ulong)(offset + (long)Inputs * sizeof(float)));
    }

    private bool IsKnown(int row) => (Volatile.Read(ref known[row / 32]) >> (row % 32) & 1) == 1;

    private void Check(int row, long offset, ReadOnlySpan<float> inputs)
    {
        ulong outcome = (ulong)(offset + (long)Inputs * sizeof(float));
        if (RowChecksum.Of(offset, inputs, view.Read<int>(outcome)) != view.Read<uint>(outcome + sizeof(int)))
        {
            throw DataCacheHeader.Damaged(path, $"the row at byte {offset} does not have the checksum that it states");
        }

        Interlocked.Or(ref known[row / 32], 1u << (row % 32));
    }

    /// <summary>64 bytes.</summary>
    [InlineArray(Floats)]
    private struct Line
    {
        public const int Floats = 16;

#pragma warning disable IDE0051, IDE0044 // An inline array is its one field, as often as it says; nobody names it.
        private float first;
#pragma warning restore IDE0051, IDE0044
    }
}
