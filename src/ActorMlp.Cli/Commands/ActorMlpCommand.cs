using System.CommandLine;
using System.CommandLine.Parsing;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Data;
using ActorMlp.Engine.Numerics;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Commands;

/// <summary>The command <c>actormlp</c>.</summary>
internal static class ActorMlpCommand
{
    public static async Task<int> InvokeAsync(string[] arguments, CommandContext context)
    {
        var root = new RootCommand("Trains multilayer perceptrons on Akka.NET actors. One run, one answer: the weights are the same bits for any number of workers, threads and machines.")
        {
            TrainCommand.Create(context),
            SubmitCommand.Create(context),
            SimulateCommand.Create(context),
            NodeCommand.Create(context),
            EvaluateCommand.Create(context),
            PredictCommand.Create(context),
            InspectCommand.Create(context),
            AuditCommand.Create(context),
            ReplayCommand.Create(context),
            DataCommand.Create(context),
            ChaosCommand.Create(context),
            ClusterCommand.Create(context),
            LinkCommand.Create(context),
            CreateSchemaCommand(context),
        };
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            string help = $"See: actormlp {NameOf(parsed.CommandResult)}--help";
            return context.BadInput([.. parsed.Errors.Select(error => error.Message), help]);
        }

        if (KernelSelection.Problem is { } problem)
        {
            return context.BadInput([problem]);
        }

        var invocation = new InvocationConfiguration
        {
            Output = context.Output,
            Error = context.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(invocation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is DataException or StorageException or NodeException)
        {
            return context.BadInput([exception.Message]);
        }
    }

    /// <summary>The command's name below <c>actormlp</c>, a blank after each word: <c>data prepare </c>.</summary>
    private static string NameOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{NameOf(parent)}{command.Command.Name} " : "";

    private static Command CreateSchemaCommand(CommandContext context)
    {
        var faults = new Option<bool>("--faults") { Description = "That of fault scripts instead." };
        var command = new Command("schema", "Prints the JSON schema of run files, for editors.") { faults };
        command.SetAction(parsed =>
        {
            context.Output.Write(parsed.GetValue(faults) ? FaultScriptSchema.Generate() : RunFileSchema.Generate());
            return ExitCode.Success;
        });
        return command;
    }
}
