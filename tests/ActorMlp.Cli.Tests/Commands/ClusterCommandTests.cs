namespace ActorMlp.Cli.Tests.Commands;

/// <summary>Commands that talk with nodes: what they refuse before anything starts.</summary>
public sealed class ClusterCommandTests
{
    private static readonly string Digits = Path.Combine(Repository.Configs, "digits.yaml");

    /// <summary>Arguments, and what the error must say.</summary>
    public static TheoryData<string[], string> Refused { get; } = new()
    {
        { ["node", "--listen", "here"], "--listen: 'here' is not host:port" },
        { ["node"], "Option '--listen' is required" },
        { ["node", "--listen", "0.0.0.0:0", "--public-host", "node-1"], "security: 0.0.0.0:0 can be reached from other machines" },
        { ["node", "--listen", "127.0.0.1:0", "--roles", "worker,driver"], "there is no role 'driver'; allowed are worker, parameter-server, coordinator" },
        { ["node", "--listen", "127.0.0.1:0", "--join", "somewhere"], "join: 'somewhere' is neither host:port nor dns:name:port" },
        { ["node", "--listen", "127.0.0.1:0", "--threads", "-1"], "--threads: allowed are 0 to 1024" },
        { ["node", "--listen", "127.0.0.1:0", "--bulk-port", "70000"], "--bulk-port: allowed are 0 to 65535" },
        { ["node", "--listen", "127.0.0.1:0", "--secret-file", "no-such-file"], "no-such-file: cannot be read" },
        { ["node", "--listen", "127.0.0.1:0", "--insecure", "--secret-file", "x"], "exclude each other" },
        { ["node", "--listen", "127.0.0.1:0", "--certificate", "x.pfx"], "--certificate and --authority belong together" },
        { ["submit", Digits, "--to", "there"], "--to: 'there' is not host:port" },
        { ["submit", Digits], "Option '--to' is required" },
        { ["submit", Digits, "--to", "127.0.0.1:1", "--listen", "10.0.0.1:0"], "security: 10.0.0.1:0 can be reached from other machines" },
        { ["train", Digits, "--processes", "0"], "--processes: allowed are 1 to 64" },
        { ["cluster", "status", "--to", "127.0.0.1"], "--to: '127.0.0.1' is not host:port" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Command_with_bad_input_says_what_and_begins_nothing(string[] arguments, string message)
    {
        using var folder = new TemporaryFolder();
        if (arguments[0] == "submit")
        {
            arguments = [.. arguments, "--out", folder.At("run")];
        }

        CommandLine result = await CommandLine.RunAsync(arguments);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Submission_that_nobody_answers_says_so_with_exit_code_2_and_leaves_no_folder()
    {
        using var folder = new TemporaryFolder();
        CommandLine result = await CommandLine.RunAsync("submit", Digits, "--to", "127.0.0.1:1", "--out", folder.At("run"));
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("no answer from 127.0.0.1:1", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("run")));
    }

    [Fact]
    public async Task Status_of_nobody_says_so_with_exit_code_2()
    {
        CommandLine result = await CommandLine.RunAsync("cluster", "status", "--to", "127.0.0.1:1");
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("no answer from 127.0.0.1:1", result.Error, StringComparison.Ordinal);
    }
}
