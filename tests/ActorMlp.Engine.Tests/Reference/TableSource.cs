using ActorMlp.Engine.Batches;

namespace ActorMlp.Engine.Tests.Reference;

/// <summary>A small data set in memory.</summary>
internal sealed class TableSource(float[][] inputs, int[]? labels, float[][]? targets) : IExampleSource
{
    public int Rows => inputs.Length;

    public int Inputs => inputs[0].Length;

    public int Targets => targets is null ? 0 : targets[0].Length;

    public void CopyInputs(int row, Span<float> destination) => inputs[row].CopyTo(destination);

    public int Label(int row) => labels![row];

    public void CopyTargets(int row, Span<float> destination) => targets![row].CopyTo(destination);

    /// <summary>Rows of numbers in (-1, 1), with labels below <paramref name="classes"/>, or that many targets where they are not classes.</summary>
    public static TableSource Random(int rows, int inputs, int classes, bool labelled, ulong seed = 5)
    {
        float[][] table = [.. Enumerable.Range(0, rows).Select(row => Numbers.Row(seed, row, inputs))];
        return labelled
            ? new TableSource(table, [.. Enumerable.Range(0, rows).Select(row => (row * 7 + 3) % Math.Max(2, classes))], null)
            : new TableSource(table, null, [.. Enumerable.Range(0, rows).Select(row => Numbers.Row(seed + 1, row, classes).Select(Math.Abs).ToArray())]);
    }
}
