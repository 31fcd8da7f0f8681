namespace ActorMlp.Cli.Tests;

/// <summary>Bad input gets one clear error for each problem and exit code 2, and nothing is begun.</summary>
public sealed class BadInputTests
{
    private const string Rows = "a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n";

    /// <summary>A run file (data lines first), and what the error must say of it.</summary>
    public static TheoryData<string, string[]> RunFiles { get; } = new()
    {
        { "training:\n  epoch: 3", ["run.yaml:5: training.epoch: unknown key; did you mean 'epochs'?"] },
        { "trainig:\n  epochs: 3", ["run.yaml:4: trainig: unknown key; did you mean 'training'?"] },
        { "training:\n  epochs: many", ["run.yaml:5: training.epochs: expected a whole number, got 'many'"] },
        { "training:\n  epochs: 1.5", ["run.yaml:5: training.epochs: expected a whole number, got '1.5'"] },
        { "training:\n  epochs: 0", ["run.yaml:5: training.epochs: is 0; allowed: 1 to 1000000"] },
        { "training:\n  batchSize: -4", ["run.yaml:5: training.batchSize: is -4; allowed: 1 to 1048576"] },
        { "training:\n  seed: -1", ["run.yaml:5: training.seed: expected a whole number from 0"] },
        { "training:\n  shardsPerStep: 3", ["run.yaml:5: training.shardsPerStep: is 3; allowed: a power of two"] },
        { "training:\n  batchSize: 4\n  shardsPerStep: 8", ["run.yaml:6: training.shardsPerStep: is 8, more than the 4 rows of training.batchSize"] },
        { "training:\n  optimizer:\n    kind: adm", ["run.yaml:6: training.optimizer.kind: expected one of sgd, momentum", "did you mean 'adam'?"] },
        { "training:\n  optimizer:\n    learningRate: .nan", ["run.yaml:6: training.optimizer.learningRate: expected a finite number, got '.nan'"] },
        { "training:\n  optimizer: adam", ["run.yaml:5: training.optimizer: expected a section with keys"] },
        { "training:\n  schedule:\n    minimum: 0.5", ["run.yaml:6: training.schedule.minimum: is 0.5, more than training.optimizer.learningRate"] },
        { "training:\n  keep: best", ["run.yaml:5: training.keep: best needs validation rows"] },
        { "training:\n  consistency:\n    mode: sps", ["run.yaml:6: training.consistency.mode: expected one of bsp, ssp, async, backup, local, got 'sps'", "did you mean 'ssp'?"] },
        { "training:\n  consistency:\n    mode: async\n    staleness: 4", ["run.yaml:7: training.consistency.staleness: is 4, but has no effect with mode async; set mode: ssp, or leave it out"] },
        { "training:\n  consistency:\n    mode: backup\n    backups: 4", ["run.yaml:7: training.consistency.backups: is 4, but only 4 workers share a step"] },
        { "model:\n  hidden: [8, 0]", ["run.yaml:5: model.hidden[1]: is 0; allowed: 1 to 65536"] },
        { "model:\n  hidden: [8, 4]\n  activation: [relu, tanh, relu]", ["run.yaml:6: model.activation: has 3 values for 2 hidden layers"] },
        { "model:\n  activation: softmax", ["run.yaml:5: model.activation: softmax is for the output only"] },
        { "model:\n  activation: rlu", ["run.yaml:5: model.activation: expected one of identity", "did you mean 'relu'?"] },
        { "model:\n  dropout: 1.0", ["run.yaml:5: model.dropout: is 1; allowed: 0 to 0.95"] },
        { "model:\n  loss: categoricalCrossEntropy\n  outputActivation: sigmoid", ["run.yaml:6: model.outputActivation: is sigmoid; categoricalCrossEntropy needs softmax"] },
        { "cluster:\n  workers: 0", ["run.yaml:5: cluster.workers: is 0; allowed: 1 to 1024"] },
        { "output:\n  plot: yes", ["run.yaml:5: output.plot: expected true or false, got 'yes'"] },
        { "model:\n  hidden: {a: 1}", ["run.yaml:5: model.hidden: expected a whole number, got a section"] },
        { "model:\n  hidden: [1", ["run.yaml:", "is no valid YAML"] },
        { "model:\n  hidden: [1, 2\ntraining:\n  epochs: 3", ["run.yaml:", "is no valid YAML"] },
        { "model:\n  hidden: [4]\n  hidden: [5]", ["run.yaml:", "Duplicate key"] },
        { "training:\n  epoch: 3\nmodel:\n  hiden: [4]\ncluster:\n  workers: 0", ["run.yaml:5: training.epoch", "run.yaml:7: model.hiden", "run.yaml:9: cluster.workers"] },
    };

    /// <summary>A section <c>data</c>, rows, and what the error must say.</summary>
    public static TheoryData<string, string, string[]> DataFiles { get; } = new()
    {
        { "train: rows.csv\n  target: lable", Rows, ["rows.csv:1: has no column 'lable' (data.target); did you mean 'label'?"] },
        { "train: row.csv\n  target: label", Rows, ["run.yaml:2: data.train: row.csv: no such file; looked for"] },
        { "train: rows.csv", Rows, ["data.target: is required for csv"] },
        { "target: label", Rows, ["data.train: is required"] },
        { "train: rows.csv\n  target: label\n  validationFraction: 0.6\n  testFraction: 0.5", Rows, ["run.yaml:5: data.testFraction", "together less than 1"] },
        { "train: rows.csv\n  target: label\n  test: rows.csv\n  testFraction: 0.5", Rows, ["run.yaml:5: data.testFraction: must be 0 beside data.test"] },
        { "train: rows.csv\n  target: label\n  trainLabels: rows.csv", Rows, ["run.yaml:4: data.trainLabels: is for idx only"] },
        { "train: rows.csv\n  target: label", "a,b,label\n1,two,x\n3,,y\nNaN,6,x\n", ["rows.csv:2, column 'b': 'two' is not a finite number", "rows.csv:3, column 'b': is empty", "rows.csv:4, column 'a': 'NaN'"] },
        { "train: rows.csv\n  target: label", "a,b,label\n1,2,x\n3,4\n", ["rows.csv:3: has 2 cells, expected 3"] },
        { "train: rows.csv\n  target: label", "", ["rows.csv: the file is empty"] },
        { "train: rows.csv\n  target: label", "a,b,label\n1,2,x\n3,4,x\n", ["every row is of class 'x'; classification needs at least two"] },
        { "train: rows.csv\n  target: b\n  task: regression", Rows, ["column 'label': 'x' is not a finite number; expected a number, or the column in data.ignore"] },
        { "format: idx\n  train: rows.csv\n  trainLabels: rows.csv", Rows, ["rows.csv: starts with 612C622C, which is not an IDX file"] },
        { "train: rows.csv\n  target: label\n  scaling: pixel", "a,b,label\n1,256,x\n3,4,y\n", ["row 1, column 'b': 256 is no pixel"] },
    };

    /// <summary>Arguments after <c>train run.yaml</c> for a sound run file, and what the error must say.</summary>
    public static TheoryData<string[], string[]> Arguments { get; } = new()
    {
        { ["--set", "training.epoch=3"], ["--set training.epoch=3: training.epoch: unknown key; did you mean 'epochs'?"] },
        { ["--set", "training.epochs"], ["--set training.epochs: expected key=value"] },
        { ["--set", "model.hidden=[8,x]"], ["--set model.hidden=[8,x]: model.hidden[1]: expected a whole number, got 'x'"] },
        { ["--set", "model.hidden=[8"], ["--set model.hidden=[8", "is no valid YAML"] },
        { ["--set", "training.keep=best"], ["--set training.keep=best: training.keep: best needs validation rows"] },
        { ["--workers", "none"], ["--workers none: cluster.workers: expected a whole number, got 'none'"] },
        { ["--threads", "-1"], ["--threads -1: cluster.threads: is -1; allowed: 0 to 1024"] },
        { ["--format", "xml"], ["xml", "text", "json"] },
        { ["--worker", "3"], ["--worker"] },
        { ["--resume", "--out", "nowhere"], ["nowhere: has no checkpoint to resume from"] },
    };

    [Theory]
    [MemberData(nameof(RunFiles))]
    public async Task Train_bad_run_file_names_line_key_and_what_is_allowed(string lines, string[] expected)
    {
        using var folder = new TemporaryFolder();
        folder.File("rows.csv", Rows);
        string file = folder.File("run.yaml", "data:\n  train: rows.csv\n  target: label\n" + lines + "\n");
        await AssertRefusedAsync(folder, expected, file);
    }

    [Theory]
    [MemberData(nameof(DataFiles))]
    public async Task Train_bad_data_names_file_line_and_column(string section, string rows, string[] expected)
    {
        using var folder = new TemporaryFolder();
        folder.File("rows.csv", rows);
        string file = folder.File("run.yaml", $"data:\n  {section}\n");
        await AssertRefusedAsync(folder, expected, file, "--set", "training.batchSize=8");
    }

    [Theory]
    [MemberData(nameof(Arguments))]
    public async Task Train_bad_argument_names_it_and_what_is_allowed(string[] arguments, string[] expected)
    {
        using var folder = new TemporaryFolder();
        folder.File("rows.csv", Rows);
        string file = folder.File("run.yaml", "data:\n  train: rows.csv\n  target: label\n");
        await AssertRefusedAsync(folder, expected, [file, .. arguments]);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("trian", "x")]
    [InlineData("train", "no-such-file.yaml")]
    [InlineData("inspect", "no-such-model.safetensors")]
    [InlineData("evaluate", "no-such-model.safetensors")]
    [InlineData("predict", "no-such-model.safetensors", "--input", "x.csv")]
    public async Task Command_without_what_it_needs_ends_with_code_2(params string[] arguments)
    {
        CommandLine result = await CommandLine.RunAsync(arguments);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.NotEmpty(result.Error);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_into_a_folder_that_is_not_empty_is_refused_and_loses_nothing()
    {
        using var folder = new TemporaryFolder();
        folder.File("rows.csv", Rows);
        string file = folder.File("run.yaml", "data:\n  train: rows.csv\n  target: label\ntraining:\n  batchSize: 8\n");
        CommandLine result = await CommandLine.RunAsync("train", file, "--out", folder.Path);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("is not empty; --resume goes on", result.Error, StringComparison.Ordinal);
        Assert.Equal(Rows, await File.ReadAllTextAsync(folder.At("rows.csv"), TestContext.Current.CancellationToken));
    }

    private static async Task AssertRefusedAsync(TemporaryFolder folder, string[] expected, params string[] arguments)
    {
        string[] output = arguments.Contains("--out") ? [] : ["--out", folder.At("run")];
        CommandLine result = await CommandLine.RunAsync(["train", .. arguments, .. output]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.All(expected, text => Assert.Contains(text, result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.False(Directory.Exists(folder.At("run")), "a run folder was made");
    }
}
