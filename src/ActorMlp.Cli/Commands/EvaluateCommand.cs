using System.CommandLine;
using System.Text.Json;
using ActorMlp.Cli.Runs;
using ActorMlp.Cli.Views;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp evaluate</c>.</summary>
internal static class EvaluateCommand
{
    public static Command Create(CommandContext context)
    {
        var target = new Argument<string>("RUN-OR-MODEL") { Description = "A run's folder, or a model file." };
        var data = new Option<string?>("--data") { Description = "Rows to evaluate on; by default the run's own validation and test rows.", HelpName = "FILE" };
        var labels = new Option<string?>("--labels") { Description = "IDX labels that belong to --data.", HelpName = "FILE" };
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        Option<string> format = CommonOptions.Format();
        var command = new Command("evaluate", "Measures a trained model.") { target, data, labels, dataDirectory, format };
        command.SetAction(parsed =>
        {
            ModelFile model = TrainedModel.Open(parsed.GetRequiredValue(target));
            var paths = new DataPaths(Environment.CurrentDirectory, parsed.GetValue(dataDirectory));
            Dictionary<string, SplitMetrics> figures = parsed.GetValue(data) is { } file
                ? new() { ["data"] = OnFile(model, paths, file, parsed.GetValue(labels)) }
                : OnOwnRows(context, model, paths);
            if (parsed.GetValue(format) == CommonOptions.Json)
            {
                context.Output.WriteLine(JsonSerializer.Serialize(figures, RunOptionsJson.Settings));
            }
            else
            {
                foreach ((string split, SplitMetrics metrics) in figures)
                {
                    context.Output.WriteLine($"{split,-10}  {Figures.Describe(metrics)}");
                }

                context.Output.WriteLine($"weights SHA-256 {model.Network.Layout.Sha256(model.Parameters)}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static SplitMetrics OnFile(ModelFile model, DataPaths paths, string file, string? labels)
    {
        if (model.Schema.Format == DataFormat.Idx && labels is null)
        {
            throw new DataException("--labels is required beside --data: the model's rows are idx, whose labels are a file of their own");
        }

        Dataset rows = DataLoader.LoadFor(
            model.Schema, model.Preprocessing, paths.Resolve(file), labels is null ? null : paths.Resolve(labels), withTarget: true);
        return TrainedModel.Measure(model, rows);
    }

    private static Dictionary<string, SplitMetrics> OnOwnRows(CommandContext context, ModelFile model, DataPaths paths)
    {
        using LoadedData data = DataLoader.Load(model.Options.Data, model.Options.Training.Seed, paths);
        context.TellOfCache(data);
        var figures = new Dictionary<string, SplitMetrics>();
        foreach ((string split, IExampleSource? rows) in new[] { ("validation", data.Validation), ("test", data.Test) })
        {
            if (rows is not null)
            {
                figures[split] = TrainedModel.Measure(model, rows);
            }
        }

        return figures.Count > 0
            ? figures
            : throw new DataException("the run has neither validation nor test rows; name rows with --data");
    }
}
