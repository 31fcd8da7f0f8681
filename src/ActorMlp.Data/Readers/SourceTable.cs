using System.Globalization;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Readers;

/// <summary>A table that a run file names: a CSV file, or a pair of IDX files.</summary>
/// <param name="Key">The key that names it, such as <c>data.train</c>.</param>
/// <param name="File">The CSV file, or the IDX file of inputs, as in the run file.</param>
/// <param name="LabelsFile">The IDX file of labels, as in the run file; null for CSV.</param>
/// <param name="LimitRows">Rows to read at most; null for all.</param>
internal sealed record SourceTable(string Key, string File, string? LabelsFile, int? LimitRows)
{
    /// <summary>The table that is split, trained on, and names columns and classes.</summary>
    public static SourceTable Training(DataOptions options) => new("data.train", options.Train, Labels(options, options.TrainLabels), options.LimitRows);

    /// <summary>The validation rows, where they have files of their own.</summary>
    public static SourceTable? Validation(DataOptions options) =>
        options.Validation is null ? null : new("data.validation", options.Validation, Labels(options, options.ValidationLabels), null);

    /// <summary>The test rows, where they have files of their own.</summary>
    public static SourceTable? Test(DataOptions options) =>
        options.Test is null ? null : new("data.test", options.Test, Labels(options, options.TestLabels), null);

    /// <summary>Every file that a run reads, in the order of reading, by the key that names it.</summary>
    public static IEnumerable<(string Key, string File)> Files(DataOptions options)
    {
        foreach (SourceTable? table in new[] { Training(options), Validation(options), Test(options) })
        {
            if (table is not null)
            {
                yield return (table.Key, table.File);
                if (table.LabelsFile is not null)
                {
                    yield return (table.Key + "Labels", table.LabelsFile);
                }
            }
        }
    }

    /// <summary>Reads the rows.</summary>
    /// <param name="options">How.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <param name="inputColumns">The training table's input columns; null where this is the training table.</param>
    /// <param name="hashes">Gets the files' bytes.</param>
    /// <param name="sink">Gets the rows; of no use after an exception.</param>
    /// <exception cref="DataException">A file is missing or wrong.</exception>
    public void Read(DataOptions options, DataPaths paths, IReadOnlyList<string>? inputColumns, SourceHashes hashes, IRowSink sink)
    {
        string path = paths.Resolve(File);
        if (options.Format == DataFormat.Idx)
        {
            IdxTableReader.Read(Key, path, paths.Resolve(LabelsFile ?? ""), LimitRows, hashes, sink);
        }
        else
        {
            var columns = new CsvColumns(
                options.Header, options.Target, options.Task == DataTask.Classification, options.Ignore, inputColumns);
            CsvTableReader.Read(Key, path, columns, LimitRows, hashes, sink);
        }
    }

    /// <summary>What to say of a table whose rows have another number of inputs than the training rows.</summary>
    public static DataException OtherWidth(string path, int columns, int trainingColumns) =>
        new($"{path}: has {columns} inputs per row, but the training rows have {trainingColumns}");

    /// <summary>What to say of a value that is none of a byte's, where the scaling is for pixels.</summary>
    public static DataException NoPixel(string path, int row, string column, float value) =>
        new($"{path}: row {row + 1}, column '{column}': {value.ToString(CultureInfo.InvariantCulture)} is no pixel; data.scaling: pixel is for values from 0 to 255");

    private static string? Labels(DataOptions options, string? file) => options.Format == DataFormat.Idx ? file ?? "" : null;
}
