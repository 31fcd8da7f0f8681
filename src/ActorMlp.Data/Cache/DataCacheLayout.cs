using ActorMlp.Data.Splits;

namespace ActorMlp.Data.Cache;

/// <summary>Where the rows of a data cache are, in bytes from the start of the file.</summary>
/// <remarks>A row: inputs (float32 each), label (int32) or target (float32), checksum (uint32), zeros up to a multiple of 64 bytes.</remarks>
/// <param name="FirstRow">Where the training rows begin; validation rows follow them, and test rows those.</param>
/// <param name="Inputs">Inputs per row.</param>
/// <param name="TrainingRows">Training rows.</param>
/// <param name="ValidationRows">Validation rows; 0 for none.</param>
/// <param name="TestRows">Test rows; 0 for none.</param>
internal sealed record DataCacheLayout(long FirstRow, int Inputs, int TrainingRows, int ValidationRows, int TestRows)
{
    private const int RowAlignment = 64;
    private const int HeaderAlignment = 4096;

    /// <summary>Bytes of a row, zeros included.</summary>
    public int RowStride { get; } = checked((int)RoundUp(((long)Inputs + 2) * sizeof(float), RowAlignment));

    /// <summary>Bytes of the whole file.</summary>
    public long Length => StartOf(SplitPart.Test) + (long)TestRows * RowStride;

    /// <summary>Where rows begin after a header of some length.</summary>
    public static long FirstRowAfter(long headerLength) => RoundUp(headerLength, HeaderAlignment);

    /// <summary>Where the rows of a split begin.</summary>
    public long StartOf(SplitPart part) => FirstRow + RowStride * part switch
    {
        SplitPart.Training => 0L,
        SplitPart.Validation => TrainingRows,
        _ => (long)TrainingRows + ValidationRows,
    };

    /// <summary>How many rows a split has.</summary>
    public int RowsOf(SplitPart part) => part switch
    {
        SplitPart.Training => TrainingRows,
        SplitPart.Validation => ValidationRows,
        _ => TestRows,
    };

    private static long RoundUp(long value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
