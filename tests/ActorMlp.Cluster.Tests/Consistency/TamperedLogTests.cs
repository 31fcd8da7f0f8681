using System.Text.Json;
using System.Text.Json.Nodes;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Tests.Consistency;

/// <summary>Logs that were changed after the run: whatever decides a bit is found.</summary>
public sealed class TamperedLogTests
{
    [Fact]
    public async Task Other_version_of_the_weights_is_found_and_the_epoch_named()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Async);
        int line = FindLine(run, update => update["version"]!.GetValue<long>() > 20);
        Change(run, line, update => update["version"] = update["version"]!.GetValue<long>() - 1);
        ReplayResult result = run.Replay();
        Assert.False(result.Equal);
        Assert.StartsWith("epoch 1: mean loss on training rows is", result.Differences[0], StringComparison.Ordinal);
        Assert.NotEqual(result.ExpectedSha256, result.WeightsSha256);
    }

    [Fact]
    public async Task Other_order_of_two_updates_is_found()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Async);
        string[] lines = File.ReadAllLines(run.Directory.Updates);

        // Two neighbours of different shares, each computed before either was applied; only their order changes.
        int first = Enumerable.Range(1, lines.Length - 2).First(i =>
            Share(lines[i]) != Share(lines[i + 1]) && Version(lines[i + 1]) < i);
        (lines[first], lines[first + 1]) = (Numbered(lines[first + 1], first - 1), Numbered(lines[first], first));
        File.WriteAllLines(run.Directory.Updates, lines);
        ReplayResult result = run.Replay();
        Assert.False(result.Equal);
        Assert.NotEqual(result.ExpectedSha256, result.WeightsSha256);
    }

    [Theory]
    [InlineData(ConsistencyMode.Ssp, "sequence", 7, "line 11: the update of step", "has sequence 7, expected 9")]
    [InlineData(ConsistencyMode.Ssp, "version", 10, "line 11: the update of step", "was computed with version 10, when there were versions 0 to 9")]
    [InlineData(ConsistencyMode.Backup, "version", -1, "line 11: the update of step", "was computed with version -1")]
    [InlineData(ConsistencyMode.Local, "clock", 38, "line 11: the update of step 38", "is an average of version 9, expected one after step 33")]
    public async Task Number_that_cannot_be_is_found_and_its_line_named(ConsistencyMode mode, string key, int value, params string[] expected)
    {
        using ConsistentRun run = await RunAsync(mode);
        Change(run, 10, update => update[key] = value);
        ReplayResult result = run.Replay();
        Assert.False(result.Equal);
        Assert.Null(result.WeightsSha256);
        Assert.All(expected, part => Assert.Contains(part, result.Differences[0], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ssp_update_beyond_the_bound_is_found()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Ssp);
        int line = FindLine(run, update => update["clock"]!.GetValue<long>() == 4);
        Change(run, line, update => update["version"] = 0);
        Assert.Contains("breaks the bound", run.Replay().Differences[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_that_is_missing_is_found()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Async);
        string[] lines = File.ReadAllLines(run.Directory.Updates);
        File.WriteAllLines(run.Directory.Updates, lines.Where((_, i) => i != 20));
        Assert.Contains("updates.jsonl, line 21: the update of step", run.Replay().Differences[0], StringComparison.Ordinal);
        File.WriteAllLines(run.Directory.Updates, lines[..^1]);
        Assert.Contains("updates.jsonl: step 38 counts 2 shares, expected at least 3 of 3", run.Replay().Differences[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Share_that_is_dropped_from_a_synchronous_step_is_found()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Backup);
        Change(run, 10, update => update["parts"]!.AsArray().RemoveAt(0));
        Assert.Contains("step 9 counts 1 shares, expected at least 2 of 3", run.Replay().Differences[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_that_cannot_be_read_or_is_of_another_run_is_bad_input()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Async);
        string[] lines = File.ReadAllLines(run.Directory.Updates);

        void AssertRefused(string problem, params string[] content)
        {
            File.WriteAllLines(run.Directory.Updates, content);
            Assert.Contains(problem, Assert.Throws<StorageException>(() => run.Replay()).Message, StringComparison.Ordinal);
        }

        AssertRefused("line 3: is no update", lines[0], lines[1], "{");
        AssertRefused("line 2: is no update", lines[0], "{\"sequence\":0,\"clock\":0,\"version\":0,\"parts\":[]}");
        AssertRefused("line 1: is no header", lines[1]);
        AssertRefused("line 1: is no header");
        AssertRefused("is of a run with other data, model or training options", lines[0].Replace("async", "ssp", StringComparison.Ordinal));
        AssertRefused("line 1: is of format 'other'", lines[0].Replace("actormlp-updates-1", "other", StringComparison.Ordinal));
        File.Delete(run.Directory.Updates);
        Assert.Throws<StorageException>(() => run.Replay());
    }

    [Fact]
    public async Task Resumption_with_a_log_that_lacks_lines_or_with_other_workers_is_refused()
    {
        using ConsistentRun run = await RunAsync(ConsistencyMode.Async);
        RunOptions options = Options(ConsistencyMode.Async);
        UpdateLog.CheckResumable(run.Directory.Updates, TestRuns.Prepare(options), options.Cluster.Workers, 13);
        Assert.Contains("resume with --workers 3", Assert.Throws<StorageException>(
            () => UpdateLog.CheckResumable(run.Directory.Updates, TestRuns.Prepare(options.With(2, 2)), 2, 13)).Message, StringComparison.Ordinal);
        string[] lines = File.ReadAllLines(run.Directory.Updates);
        File.WriteAllLines(run.Directory.Updates, lines.Where((_, i) => i != 20));
        Assert.Contains("has 38 updates of the first 13 steps, the checkpoint 39", Assert.Throws<StorageException>(
            () => UpdateLog.CheckResumable(run.Directory.Updates, TestRuns.Prepare(options), options.Cluster.Workers, 13)).Message, StringComparison.Ordinal);
    }

    private static RunOptions Options(ConsistencyMode mode) => TestRuns.Digits.With(3, 2) with
    {
        Training = TestRuns.Digits.Training with
        {
            Consistency = mode == ConsistencyMode.Local ? new() { Mode = mode, AverageEvery = 4 } : new() { Mode = mode },
        },
    };

    private static async Task<ConsistentRun> RunAsync(ConsistencyMode mode)
    {
        var run = new ConsistentRun(Options(mode));
        await run.TrainAsync();
        return run;
    }

    private static int FindLine(ConsistentRun run, Func<JsonObject, bool> where) =>
        Array.FindIndex(File.ReadAllLines(run.Directory.Updates), 1, line => where(JsonNode.Parse(line)!.AsObject()));

    private static void Change(ConsistentRun run, int line, Action<JsonObject> change)
    {
        string[] lines = File.ReadAllLines(run.Directory.Updates);
        JsonObject update = JsonNode.Parse(lines[line])!.AsObject();
        change(update);
        lines[line] = update.ToJsonString();
        File.WriteAllLines(run.Directory.Updates, lines);
    }

    private static string Numbered(string line, int sequence)
    {
        JsonObject update = JsonNode.Parse(line)!.AsObject();
        update["sequence"] = sequence;
        return update.ToJsonString();
    }

    private static int Share(string line) => JsonDocument.Parse(line).RootElement.GetProperty("parts")[0].GetProperty("share").GetInt32();

    private static long Version(string line) => JsonDocument.Parse(line).RootElement.GetProperty("version").GetInt64();
}
