using System.Globalization;
using System.Security.Cryptography;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Readers;
using ActorMlp.Data.Splits;

namespace ActorMlp.Data;

/// <summary>Reads the rows of a run, splits and scales them.</summary>
public static class DataLoader
{
    /// <summary>Reads all that a run file names.</summary>
    /// <param name="options">The section <c>data</c>.</param>
    /// <param name="seed">The run's seed, for splits without a seed of their own.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <exception cref="DataException">A file is missing or wrong; the message says which, where and what is allowed.</exception>
    public static LoadedData Load(DataOptions options, ulong seed, DataPaths paths)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        RawTable all = Read(options, paths, options.Train, options.TrainLabels, options.LimitRows, hash, null);
        RawTable? validation = options.Validation is null
            ? null
            : Read(options, paths, options.Validation, options.ValidationLabels, null, hash, all.ColumnNames);
        RawTable? test = options.Test is null
            ? null
            : Read(options, paths, options.Test, options.TestLabels, null, hash, all.ColumnNames);

        string[] classes = options.Task == DataTask.Classification ? ClassesOf(all, options) : [];
        bool stratify = options.Stratify && options.Task == DataTask.Classification;
        int[] groups = stratify ? Labels(all, classes, options.Train) : new int[all.Rows];
        RowSplit split = RowSplit.Draw(groups, options.ValidationFraction, options.TestFraction, options.SplitSeed ?? seed);
        Check(split, options);

        validation ??= split.Validation.Length > 0 ? all.Select(split.Validation) : null;
        test ??= split.Test.Length > 0 ? all.Select(split.Test) : null;
        RawTable training = all.Select(split.Training);
        bool standardizeTarget = options.Task == DataTask.Regression && options.StandardizeTarget;
        Preprocessing preprocessing = Preprocessing.Fit(
            options.Scaling, training, [.. Enumerable.Range(0, training.Rows)], standardizeTarget);
        var schema = new DataSchema
        {
            Format = options.Format,
            Header = options.Header,
            InputColumns = all.ColumnNames,
            Target = options.Target ?? "label",
            Task = options.Task,
            Classes = classes,
        };
        return new LoadedData(
            Finish(training, schema, preprocessing, options.Train),
            validation is null ? null : Finish(validation, schema, preprocessing, options.Validation ?? options.Train),
            test is null ? null : Finish(test, schema, preprocessing, options.Test ?? options.Train),
            schema,
            preprocessing,
            Convert.ToHexStringLower(hash.GetHashAndReset()));
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
        RawTable table = schema.Format == DataFormat.Idx
            ? IdxTableReader.Read(file, withTarget ? labelsFile : null, null, null)
            : CsvTableReader.Read(
                file,
                new CsvColumns(
                    schema.Header,
                    withTarget ? schema.Target : null,
                    schema.Task == DataTask.Classification,
                    [],
                    schema.InputColumns),
                null,
                null);
        return table.Columns == schema.InputColumns.Count
            ? Finish(preprocessing.Kind == ScalingKind.Pixel ? CheckPixels(table, file) : table, schema, preprocessing, file)
            : throw new DataException($"{file}: has {table.Columns} inputs per row, but the model has {schema.InputColumns.Count}");
    }

    private static RawTable Read(
        DataOptions options,
        DataPaths paths,
        string file,
        string? labelsFile,
        int? limitRows,
        IncrementalHash hash,
        IReadOnlyList<string>? inputColumns)
    {
        string path = paths.Resolve(file);
        RawTable table = options.Format == DataFormat.Idx
            ? IdxTableReader.Read(path, paths.Resolve(labelsFile ?? ""), limitRows, hash)
            : CsvTableReader.Read(
                path,
                new CsvColumns(
                    options.Header, options.Target, options.Task == DataTask.Classification, options.Ignore, inputColumns),
                limitRows,
                hash);
        if (inputColumns is not null && table.Columns != inputColumns.Count)
        {
            throw new DataException($"{path}: has {table.Columns} inputs per row, but the training rows have {inputColumns.Count}");
        }

        return options.Scaling == ScalingKind.Pixel ? CheckPixels(table, path) : table;
    }

    private static RawTable CheckPixels(RawTable table, string path)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            int column = table.RowInputs(row).IndexOfAnyExceptInRange(0f, 255f);
            if (column >= 0)
            {
                string value = table.Input(row, column).ToString(CultureInfo.InvariantCulture);
                throw new DataException($"{path}: row {row + 1}, column '{table.ColumnNames[column]}': {value} is no pixel; data.scaling: pixel is for values from 0 to 255");
            }
        }

        return table;
    }

    /// <summary>The classes of the training file: in numeric order if all are whole numbers, else in ordinal order.</summary>
    private static string[] ClassesOf(RawTable table, DataOptions options)
    {
        string[] names = [.. table.Classes.Distinct()];
        bool numeric = names.All(name => long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _));
        string[] classes = numeric
            ? [.. names.OrderBy(name => long.Parse(name, CultureInfo.InvariantCulture)).ThenBy(name => name, StringComparer.Ordinal)]
            : [.. names.Order(StringComparer.Ordinal)];
        string column = options.Target is null ? "" : $", column '{options.Target}'";
        const int MostClasses = 10_000;
        return classes.Length switch
        {
            < 2 => throw new DataException($"{options.Train}{column}: every row is of class '{classes[0]}'; classification needs at least two"),
            > MostClasses => throw new DataException($"{options.Train}{column}: has {classes.Length} classes, at most {MostClasses} are allowed; is data.task: regression meant?"),
            _ => classes,
        };
    }

    private static int[] Labels(RawTable table, IReadOnlyList<string> classes, string file)
    {
        var known = classes.Select((name, label) => (name, label)).ToDictionary(entry => entry.name, entry => entry.label);
        var labels = new int[table.Rows];
        for (int row = 0; row < labels.Length; row++)
        {
            if (!known.TryGetValue(table.Classes[row], out labels[row]))
            {
                throw new DataException($"{file}: row {row + 1} is of class '{table.Classes[row]}', which the training rows do not have; they have {string.Join(", ", classes.Take(20))}");
            }
        }

        return labels;
    }

    private static void Check(RowSplit split, DataOptions options)
    {
        if (split.Training.Length == 0)
        {
            throw new DataException($"{options.Train}: no rows are left to train on beside data.validationFraction and data.testFraction");
        }

        if (options.ValidationFraction > 0 && split.Validation.Length == 0)
        {
            throw new DataException($"{options.Train}: data.validationFraction {options.ValidationFraction} of its rows is not one row");
        }

        if (options.TestFraction > 0 && split.Test.Length == 0)
        {
            throw new DataException($"{options.Train}: data.testFraction {options.TestFraction} of its rows is not one row");
        }
    }

    private static Dataset Finish(RawTable table, DataSchema schema, Preprocessing preprocessing, string file)
    {
        int[] labels = table.Classes.Length > 0 ? Labels(table, schema.Classes, file) : [];
        float[] targets = [.. table.Numbers.Select(preprocessing.ApplyToTarget)];
        preprocessing.Apply(table);
        return new Dataset(table.Columns, table.TakeInputs(), labels, targets);
    }
}
