using System.CommandLine;
using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Views;
using ActorMlp.Training.Audits;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp audit</c>.</summary>
internal static class AuditCommand
{
    public static Command Create(CommandContext context)
    {
        var target = new Argument<string>("RUN") { Description = "A run's folder." };
        Option<string> format = CommonOptions.Format();
        var json = new Option<bool>("--json") { Description = "The same as --format json." };
        var command = new Command("audit", "Proves from a run's ledger that every shard was counted once and every epoch saw every row once, and shows who computed what.")
        {
            target, format, json,
        };
        command.SetAction(parsed =>
        {
            var directory = new RunDirectory(parsed.GetRequiredValue(target));
            if (!File.Exists(directory.Configuration))
            {
                throw new StorageException(directory.Path, Directory.Exists(directory.Path) ? "is no run's folder: it has no config.yaml" : "is no folder; expected that of a run");
            }

            var binder = new OptionsBinder();
            var options = new RunOptions();
            binder.BindFile(options, File.ReadAllText(directory.Configuration), directory.Configuration);
            if (binder.Problems.Count > 0)
            {
                return context.BadInput(binder.Problems.Select(problem => problem.ToString()));
            }

            AuditReport report = RunAudit.Of(directory, options);
            context.Output.WriteLine(parsed.GetValue(json) || parsed.GetValue(format) == CommonOptions.Json
                ? JsonSerializer.Serialize(report, RunOptionsJson.Settings)
                : AuditText.Describe(report));
            return report.Holds ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }
}
