using System.Globalization;
using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

public sealed class CommandTests
{
    private static readonly string Digits = Path.Combine(Repository.Configs, "digits.yaml");

    [Fact]
    public async Task Train_evaluate_inspect_and_predict_agree_on_one_model()
    {
        using var folder = new TemporaryFolder();
        string run = folder.At("run");
        CommandLine trained = await CommandLine.RunAsync("train", Digits, "--set", "training.epochs=3", "--set", "output.stepMetrics=true", "--out", run, "--format", "json");
        Assert.Equal((0, 1), (trained.ExitCode, trained.Output.Count(c => c == '\n')));
        JsonNode summary = JsonNode.Parse(trained.Output)!;
        foreach (string key in new[] { "runId", "weightsSha256", "steps", "epochs", "workers", "samplesPerSecond", "wallSeconds" })
        {
            Assert.NotNull(summary[key]);
        }

        Assert.True(JsonNode.DeepEquals(summary, JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "summary.json"), TestContext.Current.CancellationToken))));
        Assert.Equal((long)summary["steps"]! * 8, (long)summary["ledger"]!["shardsCommitted"]!);
        foreach (string name in new[] { "config.yaml", "metrics.jsonl", "model.safetensors", "training.png", "log.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors" })
        {
            Assert.True(new FileInfo(Path.Combine(run, name)).Length > 0, name);
        }

        Assert.Equal((long)summary["steps"]! + 3, File.ReadLines(Path.Combine(run, "metrics.jsonl")).Count());

        CommandLine evaluated = await CommandLine.RunAsync("evaluate", run, "--format", "json");
        Assert.True(JsonNode.DeepEquals(summary["test"], JsonNode.Parse(evaluated.Output)!["test"]), evaluated.Output);

        CommandLine inspected = await CommandLine.RunAsync("inspect", Path.Combine(run, "model.safetensors"));
        Assert.Contains((string)summary["weightsSha256"]!, inspected.Output, StringComparison.Ordinal);

        string predictions = folder.At("predictions.csv");
        CommandLine predicted = await CommandLine.RunAsync("predict", run, "--input", Path.Combine(Repository.Configs, "data", "digits.csv.gz"), "--output", predictions);
        Assert.Equal(0, predicted.ExitCode);
        string[] lines = await File.ReadAllLinesAsync(predictions, TestContext.Current.CancellationToken);
        Assert.Equal(1798, lines.Length);
        Assert.StartsWith("class,probability_0,", lines[0], StringComparison.Ordinal);
        Assert.All(lines.Skip(1), line => Assert.Equal(1.0, line.Split(',').Skip(1).Sum(cell => double.Parse(cell, CultureInfo.InvariantCulture)), 1e-5));
    }

    [Fact]
    public async Task Train_regression_reports_rmse_and_r2_in_the_targets_units()
    {
        using var folder = new TemporaryFolder();
        string rows = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i % 20},{i / 20},{1000 + 30 * (i % 20) - 7 * (i / 20)}\n"));
        folder.File("line.csv", "x,y,price\n" + rows);
        string file = folder.File("line.yaml", "data: {train: line.csv, target: price, task: regression, testFraction: 0.25}\nmodel: {hidden: []}\ntraining: {epochs: 60, batchSize: 16, optimizer: {kind: momentum, learningRate: 0.02}}\n");
        CommandLine trained = await CommandLine.RunAsync("train", file, "--out", folder.At("run"), "--format", "json", "--quiet");
        JsonNode test = JsonNode.Parse(trained.Output)!["test"]!;
        Assert.InRange((double)test["rmse"]!, 0, 1);
        Assert.InRange((double)test["r2"]!, 0.9999, 1);
        CommandLine predicted = await CommandLine.RunAsync("predict", folder.At("run"), "--input", folder.File("new.csv", "other,y,x\n0,2,10\n"));
        string[] lines = predicted.Output.Split('\n');
        Assert.Equal("price", lines[0]);
        Assert.Equal(1286, double.Parse(lines[1], CultureInfo.InvariantCulture), 3.0);
    }

    [Fact]
    public async Task Train_quiet_text_ends_with_the_hash()
    {
        using var folder = new TemporaryFolder();
        CommandLine trained = await CommandLine.RunAsync("train", Digits, "--set", "training.epochs=1", "--out", folder.At("run"), "--quiet");
        Assert.Matches(@"weights SHA-256 [0-9a-f]{64}\s*$", trained.Output);
        Assert.DoesNotContain("epoch 1/1", trained.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_that_diverges_ends_with_code_1_naming_step_and_layer()
    {
        using var folder = new TemporaryFolder();
        CommandLine failed = await CommandLine.RunAsync(
            "train", Digits, "--out", folder.At("run"), "--set", "model.activation=identity", "--set", "model.loss=meanSquaredError",
            "--set", "training.optimizer.kind=sgd", "--set", "training.optimizer.learningRate=1000");
        Assert.Equal(ExitCode.Failed, failed.ExitCode);
        Assert.Matches(@"diverged at step \d+ \(epoch \d+\): layer \d", failed.Error);
        Assert.DoesNotContain("   at ", failed.Error, StringComparison.Ordinal);
    }
}
