using System.CommandLine;
using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Views;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp data</c>.</summary>
internal static class DataCommand
{
    public static Command Create(CommandContext context) =>
        new("data", "Prepares the data of runs.") { CreatePrepare(context) };

    private static Command CreatePrepare(CommandContext context)
    {
        var configuration = new Argument<string>("CONFIG") { Description = "The run file; its section data says what is prepared." };
        Option<string[]> set = CommonOptions.Set();
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        Option<string?> cacheDirectory = CommonOptions.CacheDirectory();
        var force = new Option<bool>("--force") { Description = "Makes the cache anew, even if it is there." };
        Option<string> format = CommonOptions.Format();
        var command = new Command("prepare", "Makes the data cache of a run: its rows, read, split and scaled, in a file that training maps into memory (data.cache: auto).")
        {
            configuration, set, dataDirectory, cacheDirectory, force, format,
        };
        command.SetAction(parsed =>
        {
            var overrides = new RunOverrides(
                parsed.GetValue(set) ?? [], DataDirectory: parsed.GetValue(dataDirectory), CacheDirectory: parsed.GetValue(cacheDirectory));
            RunFile file = RunFile.Load(parsed.GetRequiredValue(configuration), overrides);
            if (file.Problems.Count > 0)
            {
                return context.BadInput(file.Problems.Select(problem => problem.ToString()));
            }

            Prepare(context, file.Options, parsed.GetValue(force), parsed.GetValue(format) == CommonOptions.Json);
            return ExitCode.Success;
        });
        return command;
    }

    private static void Prepare(CommandContext context, RunOptions options, bool force, bool json)
    {
        long start = context.Time.GetTimestamp();
        using DataCache cache = DataCacheStore.Prepare(
            options.Data, options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null), force);
        using DataCacheFile file = DataCacheFile.OpenRead(cache.Use.Path);
        double seconds = context.Time.GetElapsedTime(start).TotalSeconds;
        if (cache.Use.Warning is { } warning)
        {
            context.Error.WriteLine($"warning: {warning}");
        }

        DataFingerprint fingerprint = cache.Fingerprint;
        if (json)
        {
            context.Output.WriteLine(JsonSerializer.Serialize(
                new
                {
                    outcome = cache.Use.Outcome,
                    path = file.Path,
                    bytes = file.Length,
                    sha256 = file.Sha256,
                    inputs = cache.Inputs,
                    fingerprintSha256 = fingerprint.Sha256,
                    fingerprint,
                    seconds,
                },
                RunOptionsJson.Settings));
            return;
        }

        context.Output.WriteLine($"{OptionsReflection.Camel(cache.Use.Outcome.ToString()),-11} {file.Path}");
        context.Output.WriteLine($"rows        {Rows(fingerprint)} of {Figures.Count(cache.Inputs)} inputs");
        context.Output.WriteLine($"bytes       {Figures.Count(file.Length)} in {Figures.Seconds(seconds)}");
        context.Output.WriteLine($"sha256      {file.Sha256}");
        context.Output.WriteLine($"fingerprint {fingerprint.Sha256}");
        if (options.Data.Cache == CacheMode.None)
        {
            context.Output.WriteLine("to train from it: data.cache: auto in the run file, or --set data.cache=auto");
        }
    }

    private static string Rows(DataFingerprint fingerprint) => string.Join(
        ", ",
        new[] { ("training", fingerprint.Training), ("validation", fingerprint.Validation), ("test", fingerprint.Test) }
            .Where(split => split.Item2 is not null)
            .Select(split => $"{Figures.Count(split.Item2!.Rows)} {split.Item1}"));
}
