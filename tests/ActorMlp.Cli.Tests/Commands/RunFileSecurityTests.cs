using System.Diagnostics;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary>The keys <c>cluster.secretFile</c> and <c>cluster.tls</c>.</summary>
public sealed class RunFileSecurityTests
{
    private const string Digits = """
        data: {train: digits.csv.gz, header: false, target: c64, validationFraction: 0.1, testFraction: 0.2}
        training: {epochs: 2, shardsPerStep: 4, batchSize: 128}
        output: {plot: false}

        """;

    /// <summary>Lines of a run file, and what the error must say of them.</summary>
    public static TheoryData<string, string> Refused { get; } = new()
    {
        { "cluster: {secretFile: no-such-file}", "cluster.secretFile: {folder}/no-such-file: cannot be read" },
        { "cluster: {secretFile: short.txt}", "cluster.secretFile: {folder}/short.txt: " },
        { "cluster: {tls: {certificate: none.pem, authority: short.txt}}", "cluster.tls.certificate: {folder}/none.pem: there is no such file" },
        { "cluster: {tls: {certificate: short.txt, authority: keys/none.pem}}", "cluster.tls.authority: {folder}/keys/none.pem: there is no such file" },
        { "cluster: {tls: {certificate: short.txt, certificateKey: none.pem, authority: short.txt}}", "cluster.tls.certificateKey: {folder}/none.pem: there is no such file" },
        { "cluster: {tls: {certificate: short.txt, authority: short.txt}}", "cluster.tls: {folder}/short.txt: cannot be read as a certificate" },
        { "cluster: {tls: {certificate: short.txt}}", "run.yaml:4: cluster.tls.authority: is required beside cluster.tls.certificate" },
        { "cluster: {tls: {authority: short.txt}}", "run.yaml:4: cluster.tls.certificate: is required beside cluster.tls.authority" },
        { "cluster: {tls: {certificateKey: short.txt}}", "cluster.tls.certificateKey: has no cluster.tls.certificate" },
        { "cluster: {secretFile: a, tls: {certificate: b, authority: c}}", "cluster.secretFile: and cluster.tls exclude each other" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Key_that_is_wrong_is_named_with_its_file_and_nothing_is_begun(string lines, string message)
    {
        using TemporaryFolder folder = FolderWith(lines);
        string expected = message.Replace("{folder}", folder.Path, StringComparison.Ordinal);
        foreach (string[] end in new string[][] { ["--processes", "2"], ["--to", "127.0.0.1:1"] })
        {
            CommandLine result = await CommandLine.RunAsync(
                [end[0] == "--to" ? "submit" : "train", folder.At("run.yaml"), "--data-dir", Path.Combine(Repository.Configs, "data"), "--out", folder.At("run"), .. end]);
            Assert.Equal(ExitCode.BadInput, result.ExitCode);
            Assert.Contains(expected, result.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder.At("run")));
        }
    }

    [Fact]
    public async Task Options_of_the_command_go_before_the_run_file()
    {
        using TemporaryFolder folder = FolderWith("cluster: {secretFile: no-such-file}");
        folder.File("secret.txt", new string('s', 32));
        CommandLine result = await CommandLine.RunAsync(
            "submit", folder.At("run.yaml"), "--data-dir", Path.Combine(Repository.Configs, "data"), "--out", folder.At("run"), "--to", "127.0.0.1:1", "--secret-file", folder.At("secret.txt"));
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("no answer from 127.0.0.1:1", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificate_for_another_host_is_refused_before_nodes_are_started_with_it()
    {
        using TemporaryFolder folder = FolderWith("cluster: {tls: {certificate: keys/10.0.0.5.pfx, authority: keys/ca.pem}}");
        await CommandLine.RunAsync("cluster", "certificates", "--out", folder.At("keys"), "--nodes", "10.0.0.5");
        CommandLine result = await CommandLine.RunAsync("train", folder.At("run.yaml"), "--data-dir", Path.Combine(Repository.Configs, "data"), "--processes", "2");
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains($"cluster.tls.certificate: {folder.At("keys/10.0.0.5.pfx")}: is not for 127.0.0.1", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster: {tls: {certificate: keys/127.0.0.1.pem, certificateKey: keys/127.0.0.1-key.pem, authority: keys/ca.pem}}", "mutual TLS")]
    [InlineData("cluster: {secretFile: secret.txt}", "shared secret")]
    public async Task Nodes_of_train_use_what_the_run_file_says_and_the_hash_is_the_same(string lines, string security)
    {
        using TemporaryFolder folder = FolderWith(lines);
        folder.File("secret.txt", new string('s', 32));
        await CommandLine.RunAsync("cluster", "certificates", "--out", folder.At("keys"), "--nodes", "127.0.0.1");
        string[] arguments = ["train", folder.At("run.yaml"), "--data-dir", Path.Combine(Repository.Configs, "data"), "--quiet"];

        // Without nodes nobody asks for the files.
        CommandLine alone = await CommandLine.RunAsync([.. arguments, "--out", folder.At("alone")]);
        Assert.Equal(ExitCode.Success, alone.ExitCode);
        using Process process = CommandProcess.Start([.. arguments, "--out", folder.At("run"), "--processes", "2"]);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(alone.Output.TrimEnd().Split('\n')[^1], output.TrimEnd().Split('\n')[^1]);
        Assert.Contains($"\"{security}\"", await File.ReadAllTextAsync(folder.At("run/node-1.jsonl"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static TemporaryFolder FolderWith(string lines)
    {
        var folder = new TemporaryFolder();
        folder.File("run.yaml", Digits + lines + "\n");
        folder.File("short.txt", "too short");
        return folder;
    }
}
