namespace ActorMlp.Data.Tests;

/// <summary>Rows of a data set as plain arrays.</summary>
internal static class Rows
{
    /// <summary>The inputs of a row.</summary>
    public static float[] Inputs(this Dataset data, int row)
    {
        var inputs = new float[data.Inputs];
        data.CopyInputs(row, inputs);
        return inputs;
    }

    /// <summary>The target of a row.</summary>
    public static float Target(this Dataset data, int row)
    {
        var target = new float[1];
        data.CopyTargets(row, target);
        return target[0];
    }

    /// <summary>One input of every row.</summary>
    public static float[] Column(this Dataset data, int column) =>
        [.. Enumerable.Range(0, data.Rows).Select(row => data.Inputs(row)[column])];
}
