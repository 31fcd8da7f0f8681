namespace ActorMlp.Data;

/// <summary>Rows as they were read: numeric inputs, and the target as text (a class) or number.</summary>
public sealed class RawTable
{
    private readonly Memory<float> inputs;

    /// <summary>A table.</summary>
    /// <param name="columnNames">Names of the input columns.</param>
    /// <param name="inputs">Inputs <c>[rows, columns]</c>, row-major.</param>
    /// <param name="classes">Class names; empty in regression, and where rows have no target.</param>
    /// <param name="numbers">Numeric targets; empty in classification, and where rows have no target.</param>
    public RawTable(IReadOnlyList<string> columnNames, Memory<float> inputs, string[] classes, double[] numbers)
    {
        ColumnNames = columnNames;
        this.inputs = inputs;
        Classes = classes;
        Numbers = numbers;
        Rows = inputs.Length / columnNames.Count;
    }

    /// <summary>Names of the input columns.</summary>
    public IReadOnlyList<string> ColumnNames { get; }

    /// <summary>Number of input columns.</summary>
    public int Columns => ColumnNames.Count;

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Class names by row; empty in regression.</summary>
    public string[] Classes { get; }

    /// <summary>Numeric targets by row; empty in classification.</summary>
    public double[] Numbers { get; }

    /// <summary>One input.</summary>
    public float Input(int row, int column) => RowInputs(row)[column];

    /// <summary>A row's inputs.</summary>
    public Span<float> RowInputs(int row) => inputs.Span.Slice((int)((long)row * Columns), Columns);

    /// <summary>Some of the rows, in the order given; all of them without a copy.</summary>
    public RawTable Select(IReadOnlyList<int> rows)
    {
        if (rows.Count == Rows)
        {
            return this;
        }

        float[] selected = GC.AllocateUninitializedArray<float>(rows.Count * Columns);
        for (int i = 0; i < rows.Count; i++)
        {
            RowInputs(rows[i]).CopyTo(selected.AsSpan(i * Columns));
        }

        return Of(rows, selected);
    }

    /// <summary>Some of the rows, ascending, in the place of all: this table is not to be used afterwards.</summary>
    internal RawTable Keep(IReadOnlyList<int> rows)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            RowInputs(rows[i]).CopyTo(RowInputs(i));
        }

        return Of(rows, inputs[..(rows.Count * Columns)]);
    }

    /// <summary>The inputs, given away: the table is not to be used afterwards.</summary>
    internal Memory<float> TakeInputs() => inputs;

    private RawTable Of(IReadOnlyList<int> rows, Memory<float> selected) => new(
        ColumnNames,
        selected,
        Classes.Length == 0 ? [] : [.. rows.Select(row => Classes[row])],
        Numbers.Length == 0 ? [] : [.. rows.Select(row => Numbers[row])]);
}
