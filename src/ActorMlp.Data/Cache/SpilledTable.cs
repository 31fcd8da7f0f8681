using System.Runtime.InteropServices;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Readers;

namespace ActorMlp.Data.Cache;

/// <summary>
/// The unscaled rows of a table in a temporary file, of which each further pass costs no parsing. In memory is one int a row, for its class; so the
/// source files are read once, and what was read is what was hashed.
/// </summary>
internal sealed class SpilledTable : IRowSink, IDisposable
{
    private const int BufferSize = 1 << 20;

    private readonly DataOptions options;
    private readonly FileStream file;
    private readonly Dictionary<string, int> idOf = [];

    /// <summary>By row: first the number of its class in the order of appearance, then its label.</summary>
    private readonly List<int> outcomes = [];

    private string source = "";
    private float[] inputs = [];
    private DataException? pixelProblem;

    /// <summary>A table without rows.</summary>
    /// <param name="path">The temporary file; it is gone with the table.</param>
    /// <param name="options">The section <c>data</c>.</param>
    public SpilledTable(string path, DataOptions options)
    {
        this.options = options;
        file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize, FileOptions.DeleteOnClose | FileOptions.SequentialScan);
    }

    /// <summary>Names of the input columns.</summary>
    public IReadOnlyList<string> Columns { get; private set; } = [];

    /// <summary>Number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>The classes' names, in the order in which they first appear.</summary>
    public IReadOnlyCollection<string> ClassesSeen => idOf.Keys;

    /// <summary>Labels by row, after <see cref="Relabel"/>; empty where targets are numbers.</summary>
    public ReadOnlySpan<int> Labels => CollectionsMarshal.AsSpan(outcomes);

    /// <inheritdoc/>
    public void Start(string file, IReadOnlyList<string> columns, int? rows)
    {
        source = file;
        Columns = columns;
        inputs = new float[columns.Count];
    }

    /// <inheritdoc/>
    public Span<float> NextInputs() => inputs;

    /// <inheritdoc/>
    public void AddRow()
    {
        int bad = options.Scaling == ScalingKind.Pixel && pixelProblem is null ? inputs.AsSpan().IndexOfAnyExceptInRange(0f, 255f) : -1;
        if (bad >= 0)
        {
            pixelProblem = SourceTable.NoPixel(source, Rows, Columns[bad], inputs[bad]);
        }

        if (Rows == int.MaxValue)
        {
            throw new DataException($"{source}: has more than {int.MaxValue} rows, which is the most that a run can have");
        }

        file.Write(MemoryMarshal.AsBytes(inputs.AsSpan()));
        Rows++;
    }

    /// <inheritdoc/>
    public void AddClass(string name)
    {
        if (!idOf.TryGetValue(name, out int id))
        {
            idOf[name] = id = idOf.Count;
            if (id == ClassNames.Most)
            {
                throw new DataException($"{source}: has more than {ClassNames.Most} classes, which is the most allowed; is data.task: regression meant?");
            }
        }

        outcomes.Add(id);
    }

    /// <inheritdoc/>
    public void AddNumber(double number) => file.Write(MemoryMarshal.AsBytes([number]));

    /// <summary>All rows are there.</summary>
    /// <exception cref="DataException">They are no pixels where pixels are asked for.</exception>
    public void Complete()
    {
        if (pixelProblem is not null)
        {
            throw pixelProblem;
        }

        file.Flush();
    }

    /// <summary>Turns the rows' classes into labels; to be called once, and not where targets are numbers.</summary>
    /// <param name="names">The classes of the run.</param>
    /// <param name="name">What to call the table's file in messages.</param>
    /// <exception cref="DataException">A row has a class that the run does not have.</exception>
    public void Relabel(IReadOnlyList<string> names, string name)
    {
        Dictionary<string, int> known = ClassNames.Labels(names);
        string[] seen = [.. idOf.Keys];
        int[] labelOf = [.. seen.Select(text => known.GetValueOrDefault(text, -1))];
        Span<int> labels = CollectionsMarshal.AsSpan(outcomes);
        for (int row = 0; row < labels.Length; row++)
        {
            int id = labels[row];
            labels[row] = labelOf[id] >= 0 ? labelOf[id] : throw ClassNames.Unknown(name, row, seen[id], names);
        }
    }

    /// <summary>Reads all rows in their order.</summary>
    /// <param name="handle">Gets the row's number, its inputs, which it may change, and its numeric target, 0 where there is none.</param>
    public void ForEachRow(Action<int, Span<float>, double> handle)
    {
        bool hasNumbers = options.Task == DataTask.Regression;
        Span<double> number = stackalloc double[1];
        number[0] = 0;
        file.Position = 0;
        for (int row = 0; row < Rows; row++)
        {
            file.ReadExactly(MemoryMarshal.AsBytes(inputs.AsSpan()));
            if (hasNumbers)
            {
                file.ReadExactly(MemoryMarshal.AsBytes(number));
            }

            handle(row, inputs, number[0]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
