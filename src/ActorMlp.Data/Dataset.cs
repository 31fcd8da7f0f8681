using ActorMlp.Engine.Batches;

namespace ActorMlp.Data;

/// <summary>Preprocessed rows in memory. A process has each data set once, whatever the number of its workers.</summary>
public sealed class Dataset : IExampleSource
{
    private readonly ReadOnlyMemory<float> inputs;
    private readonly int[] labels;
    private readonly float[] targets;

    /// <summary>Rows with class labels or with one target each.</summary>
    /// <param name="columns">Number of input columns.</param>
    /// <param name="inputs">Inputs <c>[rows, columns]</c>, row-major.</param>
    /// <param name="labels">Classes, 0-based; empty in regression, and where rows are only to be predicted.</param>
    /// <param name="targets">Targets; empty in classification, and where rows are only to be predicted.</param>
    public Dataset(int columns, ReadOnlyMemory<float> inputs, int[] labels, float[] targets)
    {
        Inputs = columns;
        Rows = inputs.Length / columns;
        this.inputs = inputs;
        this.labels = labels;
        this.targets = targets;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Targets => targets.Length > 0 ? 1 : 0;

    /// <summary>The classes of all rows; empty in regression.</summary>
    public ReadOnlySpan<int> Labels => labels;

    /// <inheritdoc/>
    public void CopyInputs(int row, Span<float> destination) =>
        inputs.Span.Slice((int)((long)row * Inputs), Inputs).CopyTo(destination);

    /// <inheritdoc/>
    public int Label(int row) => labels[row];

    /// <inheritdoc/>
    public void CopyTargets(int row, Span<float> destination) => destination[0] = targets[row];
}
