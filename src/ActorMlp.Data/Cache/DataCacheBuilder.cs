using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Data.Readers;
using ActorMlp.Data.Splits;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Cache;

/// <summary>
/// Makes a data cache with a few bytes of memory a row, whatever its width: reads the sources once into temporary files of unscaled rows, draws the
/// split, fits the scaling in one or two passes over those, and writes the scaled rows. The steps and their arithmetic are those of <see cref="DataLoader"/>.
/// </summary>
/// <param name="options">The section <c>data</c>.</param>
/// <param name="seed">The run's seed.</param>
/// <param name="paths">Where relative paths lead.</param>
internal sealed class DataCacheBuilder(DataOptions options, ulong seed, DataPaths paths)
{
    private const string NoHash = "0000000000000000000000000000000000000000000000000000000000000000";

    /// <summary>Writes the cache.</summary>
    /// <param name="path">A file that is not there yet; what is written beside it on the way has its name and more.</param>
    /// <param name="key">The cache's key.</param>
    /// <param name="files">The files as they were when the key was made.</param>
    /// <exception cref="DataException">A file is missing or wrong, or has changed since.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    public void Write(string path, string key, IReadOnlyList<SourceFile> files)
    {
        using var hashes = new SourceHashes();
        using SpilledTable all = Spill(SourceTable.Training(options), path, hashes, null)!;
        using SpilledTable? validation = Spill(SourceTable.Validation(options), path, hashes, all);
        using SpilledTable? test = Spill(SourceTable.Test(options), path, hashes, all);
        if (DataFingerprint.CompareFiles(files, hashes.Files).FirstOrDefault() is { } change)
        {
            throw new DataException($"the data changed while they were read: {change}");
        }

        string[] classes = Relabel(all, validation, test);
        SplitPart[] parts = Split(all);
        Preprocessing preprocessing = Fit(all, parts);
        DataSchema schema = DataLoader.SchemaOf(options, all.Columns, classes);
        SplitFingerprint? Blank(SplitPart part, SpilledTable? own)
        {
            int rows = own?.Rows ?? Count(parts, part);
            return rows == 0 ? null : new SplitFingerprint(rows, NoHash);
        }

        var header = new DataCacheHeader
        {
            Key = key,
            ContentSha256 = hashes.ContentSha256,
            Schema = schema,
            Preprocessing = preprocessing,
            Fingerprint = new DataFingerprint
            {
                Files = hashes.Files,
                SchemaSha256 = DataFingerprint.HashSchema(schema, preprocessing),
                Training = Blank(SplitPart.Training, null)!,
                Validation = Blank(SplitPart.Validation, validation),
                Test = Blank(SplitPart.Test, test),
            },
        };
        WriteFile(path, header, all, parts, validation, test);
    }

    /// <summary>Turns the classes of all tables into labels, and gives the classes in the order of their labels; none in regression.</summary>
    private string[] Relabel(SpilledTable all, SpilledTable? validation, SpilledTable? test)
    {
        if (options.Task == DataTask.Regression)
        {
            return [];
        }

        string[] classes = ClassNames.InOrder(all.ClassesSeen, options);
        all.Relabel(classes, options.Train);
        validation?.Relabel(classes, options.Validation!);
        test?.Relabel(classes, options.Test!);
        return classes;
    }

    private SplitPart[] Split(SpilledTable all)
    {
        ReadOnlySpan<int> groups = DataLoader.Stratifies(options) ? all.Labels : new int[all.Rows];
        SplitPart[] parts = RowSplit.Assign(groups, options.ValidationFraction, options.TestFraction, options.SplitSeed ?? seed);
        DataLoader.CheckSplit(
            options, Count(parts, SplitPart.Training), Count(parts, SplitPart.Validation), Count(parts, SplitPart.Test));
        return parts;
    }

    /// <summary>Writes the rows, and then the header with what they hashed to, which is as long as the one without.</summary>
    private void WriteFile(
        string path, DataCacheHeader header, SpilledTable all, SplitPart[] parts, SpilledTable? validation, SpilledTable? test)
    {
        DataCacheLayout layout = header.Layout;
        using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None, layout.Length);
        using var trainingRows = new CacheRowWriter(file, layout, SplitPart.Training);
        using var validationRows = new CacheRowWriter(file, layout, SplitPart.Validation);
        using var testRows = new CacheRowWriter(file, layout, SplitPart.Test);
        CacheRowWriter[] writers = [trainingRows, validationRows, testRows];
        WriteRows(all, header.Preprocessing, row => writers[(int)parts[row]]);
        WriteRows(validation, header.Preprocessing, _ => validationRows);
        WriteRows(test, header.Preprocessing, _ => testRows);
        header = header with
        {
            Fingerprint = header.Fingerprint with
            {
                Training = trainingRows.Finish(),
                Validation = header.Fingerprint.Validation is null ? null : validationRows.Finish(),
                Test = header.Fingerprint.Test is null ? null : testRows.Finish(),
            },
        };
        RandomAccess.Write(file, header.ToBytes(), 0);
        RandomAccess.FlushToDisk(file);
    }

    private static int Count(SplitPart[] parts, SplitPart part)
    {
        int count = 0;
        foreach (SplitPart one in parts)
        {
            count += one == part ? 1 : 0;
        }

        return count;
    }

    private SpilledTable? Spill(SourceTable? source, string path, SourceHashes hashes, SpilledTable? training)
    {
        if (source is null)
        {
            return null;
        }

        var table = new SpilledTable($"{path}.{source.Key}{DataCacheStore.TemporarySuffix}", options);
        try
        {
            source.Read(options, paths, training?.Columns, hashes, table);
            if (training is not null && training.Columns.Count != table.Columns.Count)
            {
                throw SourceTable.OtherWidth(paths.Resolve(source.File), table.Columns.Count, training.Columns.Count);
            }

            table.Complete();
            return table;
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    private Preprocessing Fit(SpilledTable all, SplitPart[] parts)
    {
        bool fitsTarget = DataLoader.StandardizesTarget(options);
        var fit = new ScalingFit(options.Scaling, all.Columns.Count, fitsTarget);
        void OnTrainingRows(Action<ReadOnlySpan<float>, double> handle) => all.ForEachRow((row, inputs, number) =>
        {
            if (parts[row] == SplitPart.Training)
            {
                handle(inputs, fitsTarget ? number : 0);
            }
        });
        if (fit.NeedsRows)
        {
            OnTrainingRows(fit.Add);
            fit.EndFirstRound();
        }

        if (fit.NeedsRowsTwice)
        {
            OnTrainingRows(fit.AddAgain);
        }

        return fit.ToPreprocessing();
    }

    private void WriteRows(SpilledTable? table, Preprocessing preprocessing, Func<int, CacheRowWriter> writerOf)
    {
        bool regression = options.Task == DataTask.Regression;
        table?.ForEachRow((row, inputs, number) =>
        {
            preprocessing.Apply(inputs);
            writerOf(row).Write(
                inputs, regression ? BitConverter.SingleToInt32Bits(preprocessing.ApplyToTarget(number)) : table.Labels[row]);
        });
    }
}
