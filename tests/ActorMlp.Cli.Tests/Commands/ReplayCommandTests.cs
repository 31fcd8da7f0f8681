using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class ReplayCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("bsp")]
    [InlineData("async")]
    [InlineData("local")]
    public async Task Replay_of_a_finished_run_is_equal_and_says_so(string mode)
    {
        string run = await TrainAsync(mode);
        CommandLine replay = await CommandLine.RunAsync("replay", run, "--threads", "1");
        Assert.Equal((0, ""), (replay.ExitCode, replay.Error));
        Assert.Contains($"replayed   {mode}, 60 steps", replay.Output, StringComparison.Ordinal);
        Assert.Contains($"equal      weights SHA-256 {Expected(run)}", replay.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_format_json_is_one_object()
    {
        string run = await TrainAsync("ssp");
        CommandLine replay = await CommandLine.RunAsync("replay", run, "--format", "json");
        JsonNode result = JsonNode.Parse(replay.Output)!;
        Assert.True(result["equal"]!.GetValue<bool>());
        Assert.Equal("ssp", result["mode"]!.GetValue<string>());
        Assert.Equal(240, result["updates"]!.GetValue<long>());
        Assert.Equal(Expected(run), result["weightsSha256"]!.GetValue<string>());
        Assert.Empty(result["differences"]!.AsArray());
    }

    [Fact]
    public async Task Replay_of_a_run_whose_configuration_was_changed_differs_or_is_refused()
    {
        string run = await TrainAsync("bsp");
        string configuration = Path.Combine(run, "config.yaml");
        string text = await File.ReadAllTextAsync(configuration, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(configuration, text.Replace("seed: 1\n", "seed: 2\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        CommandLine refused = await CommandLine.RunAsync("replay", run);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("last.safetensors: is of a run with other data, model or training options", refused.Error, StringComparison.Ordinal);

        // Without checkpoints nothing but the bits tells.
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);
        CommandLine different = await CommandLine.RunAsync("replay", run);
        Assert.Equal(1, different.ExitCode);
        Assert.Contains("differs    epoch 1: mean loss on training rows is", different.Output, StringComparison.Ordinal);
        Assert.Contains("different  weights SHA-256", different.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_of_a_changed_log_differs_and_names_what_came_first()
    {
        string run = await TrainAsync("backup");
        string log = Path.Combine(run, "updates.jsonl");
        string[] lines = await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken);
        JsonNode update = JsonNode.Parse(lines[5])!;

        // Of three shares that were counted, one is left out.
        update["parts"]!.AsArray().RemoveAt(1);
        lines[5] = update.ToJsonString();
        await File.WriteAllLinesAsync(log, lines, TestContext.Current.CancellationToken);
        CommandLine replay = await CommandLine.RunAsync("replay", run);
        Assert.Equal(1, replay.ExitCode);
        Assert.Contains("differs    updates.jsonl: step 4 counts 2 shares, expected at least 3 of 4", replay.Output, StringComparison.Ordinal);
        Assert.Contains("different  weights SHA-256 not computed, the run's", replay.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_of_what_is_no_finished_run_is_bad_input()
    {
        CommandLine nowhere = await CommandLine.RunAsync("replay", folder.At("nowhere"));
        Assert.Equal(2, nowhere.ExitCode);
        Assert.Contains("is no run's folder: it has no config.yaml", nowhere.Error, StringComparison.Ordinal);

        string run = await TrainAsync("async");
        File.Delete(Path.Combine(run, "summary.json"));
        CommandLine unfinished = await CommandLine.RunAsync("replay", run);
        Assert.Equal(2, unfinished.ExitCode);
        Assert.Contains("has no summary.json, so its run has not ended", unfinished.Error, StringComparison.Ordinal);
    }

    /// <summary>The other modes on node processes: tests/cluster/processes.sh.</summary>
    [Fact]
    public async Task Replay_of_a_run_on_node_processes_gives_its_bits()
    {
        const string mode = "async";
        string run = folder.At(mode);
        (int exitCode, string output, string error) = await OnTwoProcessesAsync("training.epochs=3", $"training.consistency.mode={mode}", run);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains($"training.consistency.mode {mode}: one node holds all parameters and none stands by", output, StringComparison.Ordinal);
        CommandLine replay = await CommandLine.RunAsync("replay", run);
        Assert.Equal((0, ""), (replay.ExitCode, replay.Error));
        Assert.Contains($"equal      weights SHA-256 {Expected(run)}", replay.Output, StringComparison.Ordinal);
        Assert.Contains("\"workers\":2", File.ReadLines(Path.Combine(run, "updates.jsonl")).First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backups_that_leave_nobody_on_nodes_are_bad_input()
    {
        (int exitCode, _, string error) = await OnTwoProcessesAsync("training.consistency.mode=backup", "training.consistency.backups=2", folder.At("run"));
        Assert.Equal(2, exitCode);
        Assert.Contains("training.consistency.backups: is 2, but only 2 workers share a step; allowed: 0 to 1", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("run")));
    }

    [Fact]
    public async Task Train_resume_with_another_number_of_workers_is_refused()
    {
        string run = await TrainAsync("local");
        CommandLine train = await CommandLine.RunAsync(
            "train", Digits, "--set", "training.epochs=3", "--set", "training.consistency.mode=local", "--workers", "3", "--resume", "--out", run);
        Assert.Equal(2, train.ExitCode);
        Assert.Contains("resume with --workers 4", train.Error, StringComparison.Ordinal);
    }

    private static string Digits => Path.Combine(Repository.Configs, "digits.yaml");

    private async Task<string> TrainAsync(string mode)
    {
        string run = folder.At(mode);
        CommandLine train = await CommandLine.RunAsync(
            "train", Digits, "--set", "training.epochs=3", "--set", $"training.consistency.mode={mode}", "--quiet", "--out", run);
        Assert.Equal((0, ""), (train.ExitCode, train.Error));
        return run;
    }

    private static async Task<(int ExitCode, string Output, string Error)> OnTwoProcessesAsync(string first, string second, string run)
    {
        using Process process = CommandProcess.Start("train", Digits, "--set", first, "--set", second, "--processes", "2", "--out", run);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, await error);
    }

    private static string Expected(string run) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(run, "summary.json")))!["weightsSha256"]!.GetValue<string>();
}
