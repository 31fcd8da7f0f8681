using ActorMlp.Engine.Batches;

namespace ActorMlp.Data.Tests;

/// <summary>Rows of a data set as plain arrays.</summary>
internal static class Rows
{
    /// <summary>The inputs of a row.</summary>
    public static float[] Inputs(this IExampleSource data, int row)
    {
        var inputs = new float[data.Inputs];
        data.CopyInputs(row, inputs);
        return inputs;
    }

    /// <summary>The classes of all rows.</summary>
    public static int[] Labels(this IExampleSource data) => [.. Enumerable.Range(0, data.Rows).Select(data.Label)];

    /// <summary>The target of a row.</summary>
    public static float Target(this IExampleSource data, int row)
    {
        var target = new float[1];
        data.CopyTargets(row, target);
        return target[0];
    }

    /// <summary>One input of every row.</summary>
    public static float[] Column(this IExampleSource data, int column) =>
        [.. Enumerable.Range(0, data.Rows).Select(row => data.Inputs(row)[column])];
}
