using System.CommandLine;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Runs;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp submit</c>.</summary>
internal static class SubmitCommand
{
    public static Command Create(CommandContext context)
    {
        var arguments = new NodeArguments("127.0.0.1:0");
        var configuration = new Argument<string>("CONFIG") { Description = "The run file." };
        Option<string[]> to = NodeArguments.Contacts();
        Option<string[]> set = CommonOptions.Set();
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        var output = new Option<string?>("--out") { Description = "The run's folder, on this machine; by default a new one below output.directory.", HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "Goes on with the run in --out, or else with the newest run of this name." };
        var quiet = new Option<bool>("--quiet") { Description = "Prints only how the run ended." };
        var verbose = new Option<bool>("--verbose") { Description = "Shows the stack trace of a failure." };
        Option<string> format = CommonOptions.Format();
        var command = new Command("submit", "Trains a run file on a cluster, and keeps the run here: its checkpoints, its metrics, its model.")
        {
            configuration, to, set, dataDirectory, output, resume, quiet, format, verbose,
        };
        arguments.AddTo(command);
        command.SetAction((parsed, _) => new Trainer(context).RunAsync(new TrainRequest
        {
            ConfigurationFile = parsed.GetRequiredValue(configuration),
            Overrides = new RunOverrides(parsed.GetValue(set) ?? [], null, null, parsed.GetValue(dataDirectory), null),
            OutputDirectory = parsed.GetValue(output),
            Resume = parsed.GetValue(resume),
            Quiet = parsed.GetValue(quiet),
            Json = parsed.GetValue(format) == CommonOptions.Json,
            Verbose = parsed.GetValue(verbose),
            Cluster = new ClusterTarget(arguments.Read(parsed, Path.GetTempPath()), parsed.GetRequiredValue(to)),
        }));
        return command;
    }
}
