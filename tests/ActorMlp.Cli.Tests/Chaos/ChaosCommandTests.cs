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

    [Theory]
    [InlineData("{kind: loss, at: {step: 3}, rate: 0.6, duration: 1s}", "faults[0].rate: is 0.6; a real link loses up to 0.5")]
    [InlineData("{kind: delay, at: {step: 3}, by: 61s, duration: 1s}", "faults[0].by: is 61 s; a real link delays by up to 60 s")]
    public async Task Chaos_fault_that_no_real_link_has_is_refused_with_its_place(string fault, string problem)
    {
        using var folder = new TemporaryFolder();
        string script = folder.File("faults.yaml", $"faults:\n  - {fault}\n");
        CommandLine result = await CommandLine.RunAsync(["chaos", script, "--config", Path.Combine(Repository.Configs, "digits.yaml")]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains($"{script}: {problem}", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("delay, by: 1ms")]
    [InlineData("loss, rate: 0.1")]
    [InlineData("duplicate, rate: 0.1")]
    [InlineData("reorder, rate: 0.1")]
    public async Task Chaos_links_in_namespaces_are_cut_and_nothing_else(string fault)
    {
        using var folder = new TemporaryFolder();
        string script = folder.File("faults.yaml", $"faults:\n  - {{at: {{step: 3}}, duration: 1s, kind: {fault}}}\n");
        CommandLine result = await CommandLine.RunAsync(["chaos", script, "--namespaces", "--config", Path.Combine(Repository.Configs, "digits.yaml")]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("faults[0].kind: is ", result.Error, StringComparison.Ordinal);
        Assert.Contains("without it they do all of it", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chaos_full_disk_without_root_is_refused()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may mount a disk");
        using var folder = new TemporaryFolder();
        string script = folder.File("faults.yaml", "faults:\n  - kind: fillDisk\n    at: {step: 3}\n    duration: 1s\n");
        CommandLine result = await CommandLine.RunAsync(["chaos", script, "--config", Path.Combine(Repository.Configs, "digits.yaml")]);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("fillDisk: it takes root", result.Error, StringComparison.Ordinal);
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
