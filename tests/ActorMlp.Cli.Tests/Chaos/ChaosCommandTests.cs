namespace ActorMlp.Cli.Tests.Chaos;

public sealed class ChaosCommandTests
{
    [Fact]
    public async Task Chaos_bad_script_and_run_file_are_reported_together()
    {
        using var folder = new TemporaryFolder();
        string script = folder.File("faults.yaml", "faults:\n  - kind: explode\n    at: {step: 3}\n");
        string config = folder.File("run.yaml", "training:\n  epochs: none\n");
        CommandLine result = await CommandLine.RunAsync(["chaos", script, "--config", config]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("explode", result.Error, StringComparison.Ordinal);
        Assert.Contains("training.epochs", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chaos_fault_that_real_processes_do_not_know_is_refused()
    {
        using var folder = new TemporaryFolder();
        string script = folder.File("faults.yaml", "faults:\n  - kind: fillDisk\n    at: {step: 3}\n    duration: 1s\n");
        CommandLine result = await CommandLine.RunAsync(["chaos", script, "--config", Path.Combine(Repository.Configs, "digits.yaml")]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("fillDisk", result.Error, StringComparison.Ordinal);
        Assert.Contains("actormlp simulate", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65")]
    public async Task Chaos_number_of_nodes_out_of_range_names_what_is_allowed(string nodes)
    {
        CommandLine result = await CommandLine.RunAsync(["chaos", "faults.yaml", "--config", "run.yaml", "--nodes", nodes]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("1 to 64", result.Error, StringComparison.Ordinal);
    }
}
