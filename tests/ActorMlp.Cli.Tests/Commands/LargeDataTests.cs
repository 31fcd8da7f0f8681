using System.Diagnostics;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary>Data that do not fit in the memory that a process may have.</summary>
[Collection(nameof(AloneOnTheMachine))]
public sealed class LargeDataTests
{
    private const int Rows = 20_000;
    private const int Columns = 800;

    /// <summary>The garbage collector's heap in the child processes: 40 MB, beside 64 MB of inputs.</summary>
    private const string HeapLimit = "0x2800000";

    [Fact]
    public async Task Prepare_and_train_with_less_heap_than_the_inputs_give_the_weights_of_the_run_in_memory()
    {
        using var folder = new TemporaryFolder();
        WriteRows(folder.At("rows.csv"));
        string file = folder.File("large.yaml", """
            data: {train: rows.csv, target: kind, testFraction: 0.1}
            model: {hidden: [4]}
            training: {epochs: 1, batchSize: 256, shardsPerStep: 4}
            output: {plot: false}
            """);
        string[] train = ["train", file, "--quiet", "--set", "cluster.workers=2"];
        string caches = folder.At("caches");

        // Under this limit the run in memory dies, so the limit is one.
        Assert.NotEqual(0, (await RunLimitedAsync([.. train, "--out", folder.At("too-large")])).ExitCode);
        (int prepared, string made) = await RunLimitedAsync("data", "prepare", file, "--cache-dir", caches);
        Assert.True(prepared == 0, made);
        Assert.Contains("18,000 training, 2,000 test of 800 inputs", made, StringComparison.Ordinal);
        (int trained, string output) = await RunLimitedAsync(
            [.. train, "--out", folder.At("mapped"), "--set", "data.cache=auto", "--cache-dir", caches]);
        Assert.True(trained == 0, output);

        CommandLine inMemory = await CommandLine.RunAsync([.. train, "--out", folder.At("memory")]);
        Assert.Equal(LastLine(inMemory.Output), LastLine(output));
        Assert.StartsWith("weights SHA-256", LastLine(output), StringComparison.Ordinal);
    }

    private static void WriteRows(string path)
    {
        using var writer = new StreamWriter(path);
        writer.Write(string.Join(',', Enumerable.Range(0, Columns).Select(i => $"x{i}")) + ",kind\n");
        var line = new char[2 * Columns];
        line.AsSpan().Fill(',');
        for (int row = 0; row < Rows; row++)
        {
            for (int i = 0; i < Columns; i++)
            {
                line[2 * i] = (char)('0' + ((row * 7 + i * 13) ^ (row >> 3)) % 10);
            }

            writer.Write(line);
            writer.Write(row % 3 == 0 ? "a\n" : "b\n");
        }
    }

    private static string LastLine(string output) => output.TrimEnd().Split('\n')[^1].TrimEnd();

    private static async Task<(int ExitCode, string Output)> RunLimitedAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit;
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "actormlp.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, process.ExitCode == 0 ? output : output + await error);
    }
}
