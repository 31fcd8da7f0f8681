using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Random;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>Rows that look like MNIST to an engine: 784 inputs in [0, 1], most of them 0, ten classes. No file is read.</summary>
internal static class SyntheticData
{
    private const int Inputs = 784;
    private const int Classes = 10;

    public static LoadedData Create(int rows)
    {
        (float[] inputs, int[] labels) = Draw(rows);
        return new LoadedData(
            new Dataset(Inputs, inputs, labels, []),
            null,
            null,
            new DataSchema
            {
                Format = DataFormat.Idx,
                Header = false,
                InputColumns = [.. Enumerable.Range(0, Inputs).Select(i => $"pixel{i}")],
                Target = "label",
                Task = DataTask.Classification,
                Classes = [.. Enumerable.Range(0, Classes).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))],
            },
            new Preprocessing(ScalingKind.None, new float[Inputs], [.. Enumerable.Repeat(1f, Inputs)], 0, 1),
            "synthetic");
    }

    /// <summary>The same rows for the step benchmark.</summary>
    public static StepData CreateStepData(int rows)
    {
        (float[] inputs, int[] labels) = Draw(rows);
        return new StepData { Rows = rows, Width = Inputs, Inputs = inputs, Labels = labels };
    }

    private static (float[] Inputs, int[] Labels) Draw(int rows)
    {
        var random = new CounterRandom(1, RandomPurpose.Shuffle);
        var inputs = new float[rows * Inputs];
        var labels = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            labels[row] = random.Below(Classes, 0, (uint)row, 0);
            for (int i = 0; i < Inputs; i++)
            {
                double draw = random.Uniform(1, (uint)row, (uint)i);
                inputs[row * Inputs + i] = draw < 0.8 ? 0 : (float)draw;
            }
        }

        return (inputs, labels);
    }
}
