using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Readers;
using ActorMlp.Data.Splits;

namespace ActorMlp.Data;

/// <summary>Reads the rows of a run, splits and scales them.</summary>
public static class DataLoader
{
    /// <summary>Reads all that a run file names: into memory, or through a cache on disk where <see cref="DataOptions.Cache"/> says so.</summary>
    /// <param name="options">The section <c>data</c>.</param>
    /// <param name="seed">The run's seed, for splits without a seed of their own.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <exception cref="DataException">A file is missing or wrong; the message says which, where and what is allowed.</exception>
    public static LoadedData Load(DataOptions options, ulong seed, DataPaths paths) => options.Cache == CacheMode.Auto
        ? DataCacheStore.Prepare(options, seed, paths, force: false).ToLoadedData()
        : LoadInMemory(options, seed, paths);

    /// <summary>Opens the rows of a run as another machine read, split and scaled them: from a data cache, without the source files.</summary>
    /// <remarks>Schema, scaling constants, hashes and every row are those of the machine that made the cache. A row is checked when it is first read.</remarks>
    /// <param name="path">The cache.</param>
    /// <exception cref="DataException">It is missing, no cache of this version, damaged or cut short.</exception>
    public static LoadedData LoadCache(string path) => DataCache.Open(path).ToLoadedData();

    /// <summary>What a trained model must know of its rows.</summary>
    internal static DataSchema SchemaOf(DataOptions options, IReadOnlyList<string> inputColumns, IReadOnlyList<string> classes) => new()
    {
        Format = options.Format,
        Header = options.Header,
        InputColumns = inputColumns,
        Target = options.Target ?? "label",
        Task = options.Task,
        Classes = classes,
    };

    /// <summary>Whether splits keep the share of each class.</summary>
    internal static bool Stratifies(DataOptions options) => options.Stratify && options.Task == DataTask.Classification;

    /// <summary>Whether the target is standardised.</summary>
    internal static bool StandardizesTarget(DataOptions options) => options.Task == DataTask.Regression && options.StandardizeTarget;

    /// <summary>Checks that a split leaves rows where rows are wanted.</summary>
    /// <exception cref="DataException">It does not.</exception>
    internal static void CheckSplit(DataOptions options, int training, int validation, int test)
    {
        if (training == 0)
        {
            throw new DataException($"{options.Train}: no rows are left to train on beside data.validationFraction and data.testFraction");
        }

        if (options.ValidationFraction > 0 && validation == 0)
        {
            throw new DataException($"{options.Train}: data.validationFraction {options.ValidationFraction} of its rows is not one row");
        }

        if (options.TestFraction > 0 && test == 0)
        {
            throw new DataException($"{options.Train}: data.testFraction {options.TestFraction} of its rows is not one row");
        }
    }

    /// <summary>Reads rows for a model that is trained already; columns are found by name, in any order, and others are left out.</summary>
    /// <param name="schema">How the model's rows are read.</param>
    /// <param name="preprocessing">How they are scaled.</param>
    /// <param name="file">The CSV file, or the IDX file of inputs.</param>
    /// <param name="labelsFile">The IDX file of labels; null for CSV, or where no target is wanted.</param>
    /// <param name="withTarget">Whether the target is read too.</param>
    /// <exception cref="DataException">The file is missing or wrong.</exception>
    public static Dataset LoadFor(DataSchema schema, Preprocessing preprocessing, string file, string? labelsFile, bool withTarget)
    {
        var rows = new RawTableBuilder();
        if (schema.Format == DataFormat.Idx)
        {
            IdxTableReader.Read("data", file, withTarget ? labelsFile : null, null, null, rows);
        }
        else
        {
            var columns = new CsvColumns(
                schema.Header, withTarget ? schema.Target : null, schema.Task == DataTask.Classification, [], schema.InputColumns);
            CsvTableReader.Read("data", file, columns, null, null, rows);
        }

        RawTable table = rows.ToTable();
        return table.Columns == schema.InputColumns.Count
            ? Finish(preprocessing.Kind == ScalingKind.Pixel && schema.Format != DataFormat.Idx ? CheckPixels(table, file) : table, schema, preprocessing, file)
            : throw new DataException($"{file}: has {table.Columns} inputs per row, but the model has {schema.InputColumns.Count}");
    }

    private static LoadedData LoadInMemory(DataOptions options, ulong seed, DataPaths paths)
    {
        using var hashes = new SourceHashes();
        RawTable all = Read(SourceTable.Training(options), options, paths, hashes, null);
        RawTable? validation = SourceTable.Validation(options) is { } validationTable ? Read(validationTable, options, paths, hashes, all.ColumnNames) : null;
        RawTable? test = SourceTable.Test(options) is { } testTable ? Read(testTable, options, paths, hashes, all.ColumnNames) : null;

        string[] classes = options.Task == DataTask.Classification ? ClassNames.InOrder([.. all.Classes.Distinct()], options) : [];
        int[] groups = Stratifies(options) ? Labels(all, classes, options.Train) : new int[all.Rows];
        RowSplit split = RowSplit.Draw(groups, options.ValidationFraction, options.TestFraction, options.SplitSeed ?? seed);
        CheckSplit(options, split.Training.Length, split.Validation.Length, split.Test.Length);

        validation ??= split.Validation.Length > 0 ? all.Select(split.Validation) : null;
        test ??= split.Test.Length > 0 ? all.Select(split.Test) : null;

        // The last that is made of all rows: they are most of them, and are not copied.
        RawTable training = all.Keep(split.Training);
        Preprocessing preprocessing = Preprocessing.Fit(
            options.Scaling, training, [.. Enumerable.Range(0, training.Rows)], StandardizesTarget(options));
        DataSchema schema = SchemaOf(options, all.ColumnNames, classes);
        return new LoadedData(
            Finish(training, schema, preprocessing, options.Train),
            validation is null ? null : Finish(validation, schema, preprocessing, options.Validation ?? options.Train),
            test is null ? null : Finish(test, schema, preprocessing, options.Test ?? options.Train),
            schema,
            preprocessing,
            hashes.ContentSha256)
        {
            Files = hashes.Files,
        };
    }

    private static RawTable Read(
        SourceTable source, DataOptions options, DataPaths paths, SourceHashes hashes, IReadOnlyList<string>? inputColumns)
    {
        var rows = new RawTableBuilder();
        source.Read(options, paths, inputColumns, hashes, rows);
        RawTable table = rows.ToTable();
        string path = paths.Resolve(source.File);
        if (inputColumns is not null && table.Columns != inputColumns.Count)
        {
            throw SourceTable.OtherWidth(path, table.Columns, inputColumns.Count);
        }

        return options.Scaling == ScalingKind.Pixel && options.Format != DataFormat.Idx ? CheckPixels(table, path) : table;
    }

    /// <summary>Checks values that are not bytes by their format.</summary>
    private static RawTable CheckPixels(RawTable table, string path)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            int column = table.RowInputs(row).IndexOfAnyExceptInRange(0f, 255f);
            if (column >= 0)
            {
                throw SourceTable.NoPixel(path, row, table.ColumnNames[column], table.Input(row, column));
            }
        }

        return table;
    }

    private static int[] Labels(RawTable table, IReadOnlyList<string> classes, string file)
    {
        Dictionary<string, int> known = ClassNames.Labels(classes);
        var labels = new int[table.Rows];
        for (int row = 0; row < labels.Length; row++)
        {
            if (!known.TryGetValue(table.Classes[row], out labels[row]))
            {
                throw ClassNames.Unknown(file, row, table.Classes[row], classes);
            }
        }

        return labels;
    }

    private static Dataset Finish(RawTable table, DataSchema schema, Preprocessing preprocessing, string file)
    {
        int[] labels = table.Classes.Length > 0 ? Labels(table, schema.Classes, file) : [];
        float[] targets = [.. table.Numbers.Select(preprocessing.ApplyToTarget)];
        preprocessing.Apply(table);
        return new Dataset(table.Columns, table.TakeInputs(), labels, targets);
    }
}
