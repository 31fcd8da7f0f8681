namespace ActorMlp.Data.Readers;

/// <summary>Takes the rows of one file in their order: each row's inputs and, before the next row's or after all rows', its target.</summary>
internal interface IRowSink
{
    /// <summary>The file's columns are known.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="columns">Names of the input columns.</param>
    /// <param name="rows">Number of rows; null where it is not known yet.</param>
    void Start(string file, IReadOnlyList<string> columns, int? rows);

    /// <summary>Where the inputs of the next row are to be written, all of them.</summary>
    Span<float> NextInputs();

    /// <summary>They are written: the row counts.</summary>
    void AddRow();

    /// <summary>The class of the next row that has none yet.</summary>
    void AddClass(string name);

    /// <summary>The numeric target of the row that was added last.</summary>
    void AddNumber(double number);
}
