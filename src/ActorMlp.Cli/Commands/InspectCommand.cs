using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Runs;
using ActorMlp.Cli.Views;
using ActorMlp.Engine.Networks;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp inspect</c>.</summary>
internal static class InspectCommand
{
    public static Command Create(CommandContext context)
    {
        var target = new Argument<string>("MODEL") { Description = "A model file, or a run's folder." };
        Option<string> format = CommonOptions.Format();
        var command = new Command("inspect", "Shows what a model is: layers, data columns, how it was trained, its hash.") { target, format };
        command.SetAction(parsed =>
        {
            ModelFile model = TrainedModel.Open(parsed.GetRequiredValue(target));
            if (parsed.GetValue(format) == CommonOptions.Json)
            {
                context.Output.WriteLine(JsonSerializer.Serialize(
                    new
                    {
                        weightsSha256 = model.Network.Layout.Sha256(model.Parameters),
                        parameters = model.Network.Layout.ParameterCount,
                        network = model.Network.Spec,
                        schema = model.Schema,
                        options = model.Options,
                        summary = model.Summary,
                    },
                    RunOptionsJson.Settings));
            }
            else
            {
                Describe(context.Output, model);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static void Describe(TextWriter output, ModelFile model)
    {
        ParameterLayout layout = model.Network.Layout;
        output.WriteLine($"layer  inputs   units  activation  dropout    parameters");
        for (int i = 0; i < layout.Layers.Count; i++)
        {
            LayerSpec spec = model.Network.Spec.Layers[i];
            long parameters = (layout.Layers[i].Inputs + 1L) * spec.Units;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{i,5}  {layout.Layers[i].Inputs,6}  {spec.Units,6}  {OptionsReflection.Camel(spec.Activation.ToString()),-10}  {spec.Dropout,7:0.##}  {parameters,12:N0}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"total parameters  {layout.ParameterCount:N0}"));
        output.WriteLine($"loss              {OptionsReflection.Camel(model.Network.Spec.Loss.ToString())}");
        output.WriteLine($"inputs            {Shorten(model.Schema.InputColumns)}; scaling {OptionsReflection.Camel(model.Preprocessing.Kind.ToString())}");
        output.WriteLine($"target            {model.Schema.Target}{(model.Schema.Classes.Count > 0 ? $": {Shorten(model.Schema.Classes)}" : "")}");
        output.WriteLine($"run               {model.Summary.RunId}, epoch {model.Summary.ModelEpoch} of {model.Options.Training.Epochs}, {model.Summary.Steps} steps, seed {model.Options.Training.Seed}");
        foreach ((string split, Training.Runs.SplitMetrics? metrics) in new[]
        {
            ("train", model.Summary.Train), ("validation", model.Summary.Validation), ("test", model.Summary.Test),
        })
        {
            if (metrics is not null)
            {
                output.WriteLine($"{split,-16}  {Figures.Describe(metrics)}");
            }
        }

        output.WriteLine($"weights SHA-256   {layout.Sha256(model.Parameters)}");
    }

    private static string Shorten(IReadOnlyList<string> names) => names.Count <= 12
        ? string.Join(", ", names)
        : $"{names.Count}: {string.Join(", ", names.Take(5))}, … {names[^1]}";
}
