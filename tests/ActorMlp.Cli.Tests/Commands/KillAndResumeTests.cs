using System.Diagnostics;
using System.Text.Json.Nodes;
using ActorMlp.Engine.Random;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class KillAndResumeTests
{
    private static readonly string[] Arguments =
    [
        "train", Path.Combine(Repository.Configs, "digits.yaml"), "--set", "training.epochs=80", "--set", "training.keep=best",
        "--set", "output.checkpointEverySteps=5", "--set", "training.clipNorm=1", "--format", "json",
    ];

    [Fact]
    public async Task Train_killed_at_random_moments_and_resumed_ends_with_the_hash_of_the_run_never_stopped()
    {
        using var folder = new TemporaryFolder();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        JsonNode whole = JsonNode.Parse(await RunToEndAsync(folder.At("whole"), resume: false, cancellation))!;

        string run = folder.At("killed");
        var random = new CounterRandom(2026, RandomPurpose.Shuffle);
        int kills = 0;
        for (uint life = 0; life < 5; life++)
        {
            string checkpoint = Path.Combine(run, "checkpoints", "last.safetensors");
            DateTime before = File.GetLastWriteTimeUtc(checkpoint);
            using Process process = Start(run, resume: life > 0);
            Task ended = process.WaitForExitAsync(cancellation);
            while (!ended.IsCompleted && File.GetLastWriteTimeUtc(checkpoint) == before)
            {
                await Task.WhenAny(ended, Task.Delay(5, cancellation));
            }

            // This life has written a checkpoint of its own; any moment from now on may be its last.
            await Task.WhenAny(ended, Task.Delay(random.Below(200, life, 0, 0), cancellation));
            if (process.HasExited)
            {
                break;
            }

            process.Kill(entireProcessTree: true);
            await ended;
            kills++;
        }

        Assert.True(kills > 0, "the run was never killed after a checkpoint");
        JsonNode last = File.Exists(Path.Combine(run, "summary.json"))
            ? JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "summary.json"), cancellation))!
            : JsonNode.Parse(await RunToEndAsync(run, resume: true, cancellation))!;
        foreach (string key in new[] { "weightsSha256", "lastWeightsSha256", "steps", "modelEpoch", "train", "validation", "test", "ledger" })
        {
            Assert.True(JsonNode.DeepEquals(whole[key], last[key]), $"{key}: {whole[key]} and {last[key]}");
        }

        Assert.Equal(80, File.ReadLines(Path.Combine(run, "metrics.jsonl")).Count());
        CommandLine audited = await CommandLine.RunAsync("audit", run);
        Assert.True(audited.ExitCode == 0, audited.Output);
    }

    private static async Task<string> RunToEndAsync(string run, bool resume, CancellationToken cancellation)
    {
        using Process process = Start(run, resume);
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private static Process Start(string run, bool resume)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "actormlp.dll"));
        foreach (string argument in Arguments.Concat(["--quiet", "--out", run]).Concat(resume ? ["--resume"] : []))
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
