using System.CommandLine;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Runs;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp replay</c>.</summary>
internal static class ReplayCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The folder of a run that has ended." };
        var threads = new Option<string?>("--threads") { Description = "Compute threads, 0 for one per core (cluster.threads).", HelpName = "N" };
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        Option<string?> cacheDirectory = CommonOptions.CacheDirectory();
        Option<string> format = CommonOptions.Format();
        var command = new Command("replay", "Computes a run again from its configuration, data and log of updates, and compares the bits: exit code 0 if they are equal, 1 if not.")
        {
            run, threads, dataDirectory, cacheDirectory, format,
        };
        command.SetAction(parsed => new RunReplayer(context).Run(
            parsed.GetRequiredValue(run),
            new RunOverrides([], null, parsed.GetValue(threads), parsed.GetValue(dataDirectory), parsed.GetValue(cacheDirectory)),
            parsed.GetValue(format) == CommonOptions.Json));
        return command;
    }
}
