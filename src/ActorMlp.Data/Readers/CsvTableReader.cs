using System.Globalization;
using Sylvan.Data.Csv;

namespace ActorMlp.Data.Readers;

/// <summary>Which columns of a CSV file are read, and as what.</summary>
/// <param name="Header">Whether the first line names the columns; without it they are c0, c1, …</param>
/// <param name="Target">The column to predict; null where only inputs are wanted.</param>
/// <param name="TargetIsClass">Whether the target is a class (text) or a number.</param>
/// <param name="Ignore">Columns that are neither; only where <paramref name="Inputs"/> is null.</param>
/// <param name="Inputs">Input columns in the order wanted; null for all that are neither target nor ignored.</param>
internal sealed record CsvColumns(
    bool Header, string? Target, bool TargetIsClass, IReadOnlyList<string> Ignore, IReadOnlyList<string>? Inputs);

/// <summary>Reads CSV: numeric input columns and one target column.</summary>
internal sealed class CsvTableReader
{
    private const int MostProblems = 20;

    private readonly string path;
    private readonly CsvColumns columns;
    private readonly int limitRows;
    private readonly IRowSink sink;
    private readonly List<string> problems = [];
    private readonly Dictionary<string, string> interned = [];
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> byText;
    private int rows;
    private int nextLine = 1;

    private CsvTableReader(string path, CsvColumns columns, int? limitRows, IRowSink sink)
    {
        this.path = path;
        this.columns = columns;
        this.limitRows = limitRows ?? int.MaxValue;
        this.sink = sink;
        byText = interned.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Reads a file.</summary>
    /// <param name="key">The key that names it, such as <c>data.train</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="columns">What is read.</param>
    /// <param name="limitRows">Rows to read at most; null for all.</param>
    /// <param name="hashes">Gets the file's bytes; null for nobody.</param>
    /// <param name="sink">Gets the rows; of no use after an exception.</param>
    /// <exception cref="DataException">The file is not such a table; up to 20 problems are named.</exception>
    public static void Read(string key, string path, CsvColumns columns, int? limitRows, SourceHashes? hashes, IRowSink sink)
    {
        using DataFile file = DataFile.Open(path, hashes);
        using var text = new StreamReader(file.Content, leaveOpen: true);
        try
        {
            new CsvTableReader(path, columns, limitRows, sink).Read(text);
        }
        catch (Exception exception) when (exception is InvalidDataException or CsvFormatException or FormatException)
        {
            throw new DataException($"{path}: is no CSV file: {exception.Message}");
        }

        file.Finish(key);
    }

    private void Read(StreamReader text)
    {
        if (text.Peek() < 0)
        {
            throw new DataException($"{path}: the file is empty; expected {(columns.Header ? "a line of column names and " : "")}at least one row");
        }

        using CsvDataReader reader = CsvDataReader.Create(text, new CsvDataReaderOptions
        {
            HasHeaders = columns.Header,
            BufferSize = 1 << 16,
            MaxBufferSize = 1 << 24,
            Culture = CultureInfo.InvariantCulture,
            CommentHandler = new Action<string>(_ => nextLine++),
        });
        string[] names = Names(reader);
        nextLine += columns.Header ? LinesOf(string.Concat(names)) : 0;
        int target = columns.Target is null ? -1 : Find(names, columns.Target, "data.target");
        int[] inputs = Inputs(names, target);
        sink.Start(path, [.. inputs.Select(index => names[index])], null);
        while (rows < limitRows && problems.Count < MostProblems && reader.Read())
        {
            ReadRow(reader, names, target, inputs);
        }

        if (problems.Count == 0 && rows == 0)
        {
            problems.Add($"{path}: has no rows; expected at least one");
        }

        if (problems.Count > 0)
        {
            throw new DataException(problems);
        }
    }

    private string[] Names(CsvDataReader reader)
    {
        string[] names = [.. Enumerable.Range(0, reader.FieldCount).Select(i => columns.Header ? reader.GetName(i) : $"c{i}")];
        if (names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new DataException($"{path}:1: column '{twice.Key}' appears {twice.Count()} times; names must differ");
        }

        return names;
    }

    private int[] Inputs(string[] names, int target)
    {
        if (columns.Inputs is { } wanted)
        {
            return [.. wanted.Select(name => Find(names, name, "an input of the model"))];
        }

        int[] ignored = [.. columns.Ignore.Select(name => Find(names, name, "data.ignore"))];
        int[] inputs = [.. Enumerable.Range(0, names.Length).Where(i => i != target && !ignored.Contains(i))];
        return inputs.Length > 0
            ? inputs
            : throw new DataException($"{path}: no input columns are left beside the target and the ignored ones");
    }

    private int Find(string[] names, string name, string role)
    {
        int index = Array.IndexOf(names, name);
        if (index >= 0)
        {
            return index;
        }

        string? nearest = NearestName.Of(name, names);
        throw new DataException($"{path}:1: has no column '{name}' ({role})"
            + (nearest is null ? "" : $"; did you mean '{nearest}'?")
            + $" Columns: {string.Join(", ", names.Take(40))}{(names.Length > 40 ? ", …" : "")}");
    }

    private void ReadRow(CsvDataReader reader, string[] names, int target, int[] inputs)
    {
        int line = nextLine;
        ReadOnlySpan<char> record = reader.GetRawRecordSpan();
        nextLine += LinesOf(record);
        if (record.IsWhiteSpace() && names.Length > 1)
        {
            return;
        }

        if (reader.RowFieldCount != names.Length)
        {
            problems.Add($"{path}:{line}: has {reader.RowFieldCount} cells, expected {names.Length}");
            return;
        }

        Span<float> row = sink.NextInputs();
        for (int i = 0; i < inputs.Length; i++)
        {
            row[i] = (float)Number(reader.GetFieldSpan(inputs[i]), line, names[inputs[i]], isInput: true);
        }

        sink.AddRow();
        rows++;
        if (target < 0)
        {
            return;
        }

        ReadOnlySpan<char> cell = reader.GetFieldSpan(target);
        if (!columns.TargetIsClass)
        {
            sink.AddNumber(Number(cell, line, names[target], isInput: false));
        }
        else if (cell.IsWhiteSpace())
        {
            problems.Add($"{path}:{line}, column '{names[target]}': is empty; expected a class");
        }
        else
        {
            sink.AddClass(Intern(cell.Trim()));
        }
    }

    private double Number(ReadOnlySpan<char> cell, int line, string column, bool isInput)
    {
        if (double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value)
            && (!isInput || float.IsFinite((float)value)))
        {
            return value;
        }

        string found = cell.IsWhiteSpace() ? "is empty" : $"'{cell.ToString()}' is not a finite number";
        problems.Add($"{path}:{line}, column '{column}': {found}; expected a number"
            + (isInput && columns.Inputs is null ? ", or the column in data.ignore" : ""));
        return 0;
    }

    /// <summary>Lines of the file that a record takes: a quoted cell may go over several.</summary>
    private static int LinesOf(ReadOnlySpan<char> record) => 1 + record.TrimEnd("\r\n").Count('\n');

    private string Intern(ReadOnlySpan<char> cell)
    {
        if (!byText.TryGetValue(cell, out string? name))
        {
            name = cell.ToString();
            interned[name] = name;
        }

        return name;
    }
}
