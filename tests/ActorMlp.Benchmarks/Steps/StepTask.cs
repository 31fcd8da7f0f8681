using System.Globalization;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>
/// What both sides of the step benchmark are asked to train: the same network, rows, order and optimizer. One line of text, which a process
/// that trains reads from its standard input; this file is compiled into every such process.
/// </summary>
/// <param name="Layers">Inputs, hidden units, classes.</param>
/// <param name="Batch">Rows of a step; step t takes rows [t·Batch, (t+1)·Batch) of the data, round and round.</param>
/// <param name="Optimizer">momentum (0.9) or adam (0.9, 0.999, 1e-8).</param>
/// <param name="LearningRate">The constant learning rate.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="DataFile">See <see cref="StepData"/>.</param>
internal sealed record StepTask(int[] Layers, int Batch, string Optimizer, double LearningRate, int Threads, string DataFile)
{
    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture, $"{string.Join('-', Layers)} {Batch} {Optimizer} {LearningRate:R} {Threads} {DataFile}");

    public static StepTask Parse(string line)
    {
        string[] words = line.Split(' ', 6);
        return new StepTask(
            [.. words[0].Split('-').Select(word => int.Parse(word, CultureInfo.InvariantCulture))],
            int.Parse(words[1], CultureInfo.InvariantCulture),
            words[2],
            double.Parse(words[3], CultureInfo.InvariantCulture),
            int.Parse(words[4], CultureInfo.InvariantCulture),
            words[5]);
    }
}

/// <summary>A trainer of the step benchmark.</summary>
internal interface IStepTrainer : IDisposable
{
    /// <summary>One step: gradient, then update; returns the mean loss of the batch before the update.</summary>
    float Step();
}

/// <summary>The data file: rows, inputs, classes as int32, then inputs [rows, inputs] as float32, then labels as int32.</summary>
internal sealed class StepData
{
    public required int Rows { get; init; }

    public required int Width { get; init; }

    public required float[] Inputs { get; init; }

    public required int[] Labels { get; init; }

    public void Save(string path)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write(Rows);
        writer.Write(Width);
        foreach (float value in Inputs)
        {
            writer.Write(value);
        }

        foreach (int label in Labels)
        {
            writer.Write(label);
        }
    }

    public static StepData Load(string path)
    {
        using var reader = new BinaryReader(new BufferedStream(File.OpenRead(path), 1 << 20));
        int rows = reader.ReadInt32(), width = reader.ReadInt32();
        float[] inputs = new float[rows * width];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = reader.ReadSingle();
        }

        int[] labels = new int[rows];
        for (int i = 0; i < rows; i++)
        {
            labels[i] = reader.ReadInt32();
        }

        return new StepData { Rows = rows, Width = width, Inputs = inputs, Labels = labels };
    }

    /// <summary>
    /// Initial weight (input, unit) of a layer: small, irregular, and the same in every process, as it takes only whole numbers and one product.
    /// </summary>
    public static float InitialWeight(int layer, int input, int unit, int inputs)
    {
        uint hash = (uint)(layer * 7919 + input * 104729 + unit * 1299709 + 1) * 2654435761u;
        hash ^= hash >> 15;
        hash *= 2246822519u;
        hash ^= hash >> 13;
        return ((hash >> 8) * (1f / 8388608f) - 1f) * (float)Math.Sqrt(6.0 / inputs);
    }
}

/// <summary>The loop of a process that trains when it is told to.</summary>
internal static class StepServer
{
    /// <summary>
    /// Commands, one a line: <c>task …</c> makes a trainer (answer: ready), <c>losses N</c> trains N steps and answers their losses,
    /// <c>time N</c> trains N steps and answers the seconds they took. Ends with its input.
    /// </summary>
    public static void Run(TextReader input, TextWriter output, Func<StepTask, IStepTrainer> create)
    {
        IStepTrainer? trainer = null;
        while (input.ReadLine() is { } line)
        {
            string[] words = line.Split(' ', 2);
            switch (words[0])
            {
                case "task":
                    trainer?.Dispose();
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    trainer = create(StepTask.Parse(words[1]));
                    output.WriteLine("ready");
                    break;
                case "losses":
                    output.WriteLine(string.Join(' ', Enumerable.Range(0, int.Parse(words[1], CultureInfo.InvariantCulture))
                        .Select(_ => trainer!.Step().ToString("R", CultureInfo.InvariantCulture))));
                    break;
                default:
                    int steps = int.Parse(words[1], CultureInfo.InvariantCulture);
                    long began = System.Diagnostics.Stopwatch.GetTimestamp();
                    for (int step = 0; step < steps; step++)
                    {
                        trainer!.Step();
                    }

                    output.WriteLine(System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
                    break;
            }

            output.Flush();
        }

        trainer?.Dispose();
    }
}
