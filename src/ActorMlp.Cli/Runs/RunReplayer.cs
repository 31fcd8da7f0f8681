using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Views;
using ActorMlp.Data;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Runs;

/// <summary>Replays a run's folder, from reading it to the last line of output.</summary>
/// <param name="context">What to talk to.</param>
internal sealed class RunReplayer(CommandContext context)
{
    /// <summary>Differences that are shown; the first one is what matters.</summary>
    private const int Shown = 10;

    /// <summary>Replays; returns the exit code.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="overrides">Where data lie, and how many threads compute; nothing that decides a bit.</param>
    /// <param name="json">Whether a program reads the output.</param>
    public int Run(string path, RunOverrides overrides, bool json)
    {
        var directory = new RunDirectory(path);
        if (!File.Exists(directory.Configuration))
        {
            return context.BadInput([$"{path}: is no run's folder: it has no config.yaml"]);
        }

        RunFile file = RunFile.Load(directory.Configuration, overrides);
        if (file.Problems.Count > 0)
        {
            return context.BadInput(file.Problems.Select(problem => problem.ToString()));
        }

        using LoadedData data = DataLoader.Load(
            file.Options.Data, file.Options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
        context.TellOfCache(data);
        using var pool = new ComputePool(file.Options.Cluster.Threads);
        var replay = new RunReplay(new RunSetup(file.Options, data), directory, pool);
        long began = context.Time.GetTimestamp();
        ReplayResult result = replay.Run();
        if (json)
        {
            context.Output.WriteLine(JsonSerializer.Serialize(result, RunOptionsJson.Settings));
        }
        else
        {
            Describe(result, context.Time.GetElapsedTime(began));
        }

        return result.Equal ? ExitCode.Success : ExitCode.Failed;
    }

    private void Describe(ReplayResult result, TimeSpan elapsed)
    {
        string updates = result.Updates is { } count ? $", {Figures.Count(count)} updates" : "";
        context.Output.WriteLine(
            $"replayed   {OptionsReflection.Camel(result.Mode.ToString())}, {Figures.Count(result.Steps)} steps{updates} in {Figures.Seconds(elapsed.TotalSeconds)}");
        foreach (string difference in result.Differences.Take(Shown))
        {
            context.Output.WriteLine($"differs    {difference}");
        }

        if (result.Differences.Count > Shown)
        {
            context.Output.WriteLine($"           and {result.Differences.Count - Shown} more");
        }

        context.Output.WriteLine(result.Equal
            ? $"equal      weights SHA-256 {result.WeightsSha256}"
            : $"different  weights SHA-256 {result.WeightsSha256 ?? "not computed"}, the run's {result.ExpectedSha256}");
    }
}
