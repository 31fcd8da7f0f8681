using System.CommandLine;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Runs;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp train</c>.</summary>
internal static class TrainCommand
{
    public static Command Create(CommandContext context)
    {
        var configuration = new Argument<string>("CONFIG") { Description = "The run file, such as configs/digits.yaml." };
        Option<string[]> set = CommonOptions.Set();
        var workers = new Option<string?>("--workers") { Description = "Number of worker actors (cluster.workers).", HelpName = "N" };
        var threads = new Option<string?>("--threads") { Description = "Compute threads, 0 for one per core (cluster.threads).", HelpName = "N" };
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        Option<string?> cacheDirectory = CommonOptions.CacheDirectory();
        var processes = new Option<int?>("--processes") { Description = "Starts so many node processes on this machine and trains on them; the bits are the same.", HelpName = "N" };
        processes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 64)
            {
                result.AddError("--processes: allowed are 1 to 64");
            }
        });
        var output = new Option<string?>("--out") { Description = "The run's folder; by default a new one below output.directory.", HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "Goes on with the run in --out, or else with the newest run of this name." };
        var quiet = new Option<bool>("--quiet") { Description = "Prints only how the run ended." };
        var verbose = new Option<bool>("--verbose") { Description = "Shows the stack trace of a failure." };
        Option<string> format = CommonOptions.Format();
        var command = new Command("train", "Trains the network of a run file, and tests it.")
        {
            configuration, set, workers, threads, processes, dataDirectory, cacheDirectory, output, resume, quiet, format, verbose,
        };
        command.SetAction((parsed, _) =>
        {
            var overrides = new RunOverrides(
                parsed.GetValue(set) ?? [],
                parsed.GetValue(workers),
                parsed.GetValue(threads),
                parsed.GetValue(dataDirectory),
                parsed.GetValue(cacheDirectory));
            return new Trainer(context).RunAsync(new TrainRequest
            {
                ConfigurationFile = parsed.GetRequiredValue(configuration),
                Overrides = overrides,
                OutputDirectory = parsed.GetValue(output),
                Resume = parsed.GetValue(resume),
                Quiet = parsed.GetValue(quiet),
                Json = parsed.GetValue(format) == CommonOptions.Json,
                Verbose = parsed.GetValue(verbose),
                Processes = parsed.GetValue(processes),
            });
        });
        return command;
    }
}
