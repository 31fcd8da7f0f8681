using System.CommandLine;
using System.Globalization;
using ActorMlp.Cli.Runs;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp predict</c>: a row of output for each row of input.</summary>
internal static class PredictCommand
{
    public static Command Create(CommandContext context)
    {
        var target = new Argument<string>("MODEL") { Description = "A model file, or a run's folder." };
        var input = new Option<string>("--input") { Description = "Rows to predict: CSV with the model's input columns (others are left out), or IDX.", HelpName = "FILE", Required = true };
        var output = new Option<string?>("--output") { Description = "Where predictions go, as CSV; standard output by default.", HelpName = "FILE" };
        var command = new Command("predict", "Predicts the class, with probabilities, or the number for each row.") { target, input, output };
        command.SetAction(parsed =>
        {
            ModelFile model = TrainedModel.Open(parsed.GetRequiredValue(target));
            var paths = new DataPaths(Environment.CurrentDirectory, null);
            Dataset rows = DataLoader.LoadFor(
                model.Schema, model.Preprocessing, paths.Resolve(parsed.GetRequiredValue(input)), null, withTarget: false);
            float[] outputs = TrainedModel.Predict(model, rows);
            if (parsed.GetValue(output) is { } path)
            {
                AtomicFile.Write(path, stream =>
                {
                    using var writer = new StreamWriter(stream, leaveOpen: true);
                    Write(writer, model, outputs);
                });
                context.Output.WriteLine($"{rows.Rows} predictions in {path}");
            }
            else
            {
                Write(context.Output, model, outputs);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static void Write(TextWriter writer, ModelFile model, float[] outputs)
    {
        if (model.Schema.Task == DataTask.Regression)
        {
            writer.Write($"{Quote(model.Schema.Target)}\n");
            foreach (float value in outputs)
            {
                double number = value * model.Preprocessing.TargetScale + model.Preprocessing.TargetOffset;
                writer.Write(number.ToString("R", CultureInfo.InvariantCulture) + "\n");
            }

            return;
        }

        IReadOnlyList<string> classes = model.Schema.Classes;
        writer.Write($"class,{string.Join(',', classes.Select(name => Quote("probability_" + name)))}\n");
        int width = model.Network.OutputCount;
        for (int first = 0; first < outputs.Length; first += width)
        {
            // One output is the probability of the second class.
            float[] probabilities = width == 1 ? [1 - outputs[first], outputs[first]] : outputs[first..(first + width)];
            int best = Array.IndexOf(probabilities, probabilities.Max());
            if (width == 1)
            {
                best = outputs[first] >= 0.5f ? 1 : 0;
            }

            writer.Write($"{Quote(classes[best])},{string.Join(',', probabilities.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}\n");
        }
    }

    private static string Quote(string cell) =>
        cell.AsSpan().IndexOfAny(",\"\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
