namespace ActorMlp.Data.Readers;

/// <summary>Keeps rows in memory.</summary>
internal sealed class RawTableBuilder : IRowSink
{
    /// <summary>A header that lies about its rows shall not take more memory than this (256 MB) before they have been read.</summary>
    private const int MostFloatsAhead = 1 << 26;

    private readonly List<string> classes = [];
    private readonly List<double> numbers = [];
    private IReadOnlyList<string> columns = [];
    private float[] values = [];
    private int used;
    private string file = "";

    /// <inheritdoc/>
    public void Start(string file, IReadOnlyList<string> columns, int? rows)
    {
        this.file = file;
        this.columns = columns;
        long floats = (long)(rows ?? 0) * columns.Count;
        if (floats > Array.MaxLength)
        {
            throw TooLarge();
        }

        values = GC.AllocateUninitializedArray<float>((int)Math.Min(floats, MostFloatsAhead));
    }

    /// <inheritdoc/>
    public Span<float> NextInputs()
    {
        if (columns.Count > values.Length - used)
        {
            Grow();
        }

        return values.AsSpan(used, columns.Count);
    }

    /// <inheritdoc/>
    public void AddRow() => used += columns.Count;

    /// <inheritdoc/>
    public void AddClass(string name) => classes.Add(name);

    /// <inheritdoc/>
    public void AddNumber(double number) => numbers.Add(number);

    /// <summary>The rows.</summary>
    public RawTable ToTable()
    {
        if (used < values.Length / 4 * 3)
        {
            Array.Resize(ref values, used);
        }

        return new RawTable(columns, values.AsMemory(0, used), [.. classes], [.. numbers]);
    }

    private void Grow()
    {
        long wanted = (long)used + columns.Count;
        if (wanted > Array.MaxLength)
        {
            throw TooLarge();
        }

        Array.Resize(ref values, (int)Math.Min(Array.MaxLength, Math.Max(wanted, Math.Max(1024, 2L * values.Length))));
    }

    private DataException TooLarge() => new($"{file}: has more than {Array.MaxLength} values, which is all that fits in memory; data.cache: auto trains from a file on disk instead");
}
