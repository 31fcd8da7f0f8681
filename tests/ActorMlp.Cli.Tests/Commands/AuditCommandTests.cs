using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class AuditCommandTests
{
    private static readonly string Digits = Path.Combine(Repository.Configs, "digits.yaml");

    [Fact]
    public async Task Audit_of_a_run_tells_who_computed_what_and_finds_what_was_changed()
    {
        using var folder = new TemporaryFolder();
        string run = folder.At("run"), ledger = Path.Combine(run, "ledger.jsonl");
        CommandLine trained = await CommandLine.RunAsync(
            "train", Digits, "--set", "training.epochs=3", "--set", "output.stepMetrics=true", "--set", "output.plot=false", "--out", run, "--format", "json", "--quiet");
        Assert.Equal(0, trained.ExitCode);

        CommandLine audited = await CommandLine.RunAsync("audit", run);
        Assert.Equal((0, ""), (audited.ExitCode, audited.Error));
        Assert.Contains("run: 60 steps of 8 shards, 3 whole epochs of 1,258 rows, completed", audited.Output, StringComparison.Ordinal);
        Assert.Contains("holds: every shard counted once", audited.Output, StringComparison.Ordinal);
        Assert.Matches(@"0\s+120\s+25\.00 %\s+60", audited.Output);

        CommandLine json = await CommandLine.RunAsync("audit", run, "--json");
        Assert.Equal(json.Output, (await CommandLine.RunAsync("audit", run, "--format", "json")).Output);
        JsonNode report = JsonNode.Parse(json.Output)!;
        Assert.True((bool)report["holds"]!);
        Assert.Equal((60, 480), ((int)report["steps"]!, report["workers"]!.AsArray().Sum(worker => (int)worker!["shards"]!)));
        Assert.Equal((int)JsonNode.Parse(trained.Output)!["steps"]!, (int)report["steps"]!);

        string[] lines = await File.ReadAllLinesAsync(ledger, TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(ledger, [.. lines[..10], .. lines[11..]], TestContext.Current.CancellationToken);
        CommandLine found = await CommandLine.RunAsync("audit", run);
        Assert.Equal(ExitCode.Failed, found.ExitCode);
        Assert.Matches(@"does not hold: ledger\.jsonl:11: has the checksum", found.Output);
        Assert.False((bool)JsonNode.Parse((await CommandLine.RunAsync("audit", run, "--json")).Output)!["holds"]!);
    }

    [Fact]
    public async Task Audit_without_a_run_or_its_ledger_is_bad_input()
    {
        using var folder = new TemporaryFolder();
        string run = folder.At("run");
        await CommandLine.RunAsync("train", Digits, "--set", "training.epochs=1", "--set", "output.ledger=false", "--set", "output.plot=false", "--out", run, "--quiet");
        foreach ((string target, string problem) in new[]
        {
            (run, "output.ledger: false"),
            (folder.Path, "it has no config.yaml"),
            (folder.At("none"), "is no folder"),
        })
        {
            CommandLine audited = await CommandLine.RunAsync("audit", target);
            Assert.Equal(ExitCode.BadInput, audited.ExitCode);
            Assert.Contains(problem, audited.Error, StringComparison.Ordinal);
        }

        await File.AppendAllTextAsync(Path.Combine(run, "config.yaml"), "nonsense: 1\n", TestContext.Current.CancellationToken);
        CommandLine damaged = await CommandLine.RunAsync("audit", run);
        Assert.Equal(ExitCode.BadInput, damaged.ExitCode);
        Assert.Contains("unknown key", damaged.Error, StringComparison.Ordinal);
    }
}
