using System.Diagnostics;
using ActorMlp.Cli.Commands;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Runs;

/// <summary>Node processes on this machine, for one run: they end with it, whatever ends it.</summary>
internal sealed class LocalNodes : IAsyncDisposable
{
    /// <summary>Where nodes listen.</summary>
    public const string Host = "127.0.0.1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<Process> processes = [];
    private readonly List<string> addresses = [];
    private readonly IReadOnlyList<string> security;

    private LocalNodes(IReadOnlyList<string> security) => this.security = security;

    /// <summary>Done when no process is left.</summary>
    public Task AllEnded { get; private set; } = Task.CompletedTask;

    /// <summary>Where the nodes listen.</summary>
    public IReadOnlyList<string> Addresses => addresses;

    /// <summary>Starts nodes and waits until all have joined.</summary>
    /// <param name="count">How many.</param>
    /// <param name="threads">Compute threads of each.</param>
    /// <param name="dataDirectory">Where they look for data first; null for nowhere else than the current directory.</param>
    /// <param name="logDirectory">Where they log.</param>
    /// <param name="security">Arguments by which they know each other; none on loopback without security.</param>
    /// <exception cref="NodeException">A node did not start.</exception>
    public static async Task<LocalNodes> StartAsync(int count, int threads, string? dataDirectory, string logDirectory, IReadOnlyList<string> security)
    {
        var nodes = new LocalNodes(security);
        try
        {
            Process first = nodes.Start(0, null, threads, dataDirectory, logDirectory);
            nodes.addresses.Add(await ReadAddressAsync(first).ConfigureAwait(false));
            Process[] others = [.. Enumerable.Range(1, count - 1).Select(i => nodes.Start(i, nodes.addresses[0], threads, dataDirectory, logDirectory))];
            foreach (Process other in others)
            {
                nodes.addresses.Add(await ReadAddressAsync(other).ConfigureAwait(false));
            }

            await Task.WhenAll(nodes.processes.Select(process => ReadLineAsync(process))).ConfigureAwait(false);
            nodes.AllEnded = Task.WhenAll(nodes.processes.Select(process => process.WaitForExitAsync()));
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The end of their input tells them to leave.
        processes.ForEach(process => process.StandardInput.Close());
        using var patience = new CancellationTokenSource(Patience);
        foreach (Process process in processes)
        {
            try
            {
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }

            process.Dispose();
        }
    }

    private Process Start(int number, string? join, int threads, string? dataDirectory, string logDirectory)
    {
        List<string> arguments =
        [
            "--listen", $"{Host}:0", "--threads", $"{threads}", "--log", Path.Combine(logDirectory, $"node-{number}.jsonl"),
        ];
        arguments.AddRange(join is null ? [] : ["--join", join]);
        arguments.AddRange(security);
        arguments.AddRange(dataDirectory is null ? [] : ["--data-dir", dataDirectory]);
        ProcessStartInfo start = NodeProgram.Start([], arguments);
        Process process = Process.Start(start) ?? throw new NodeException($"{start.FileName} could not be started");
        processes.Add(process);
        return process;
    }

    private static async Task<string> ReadAddressAsync(Process process)
    {
        string line = await ReadLineAsync(process).ConfigureAwait(false);
        return line.StartsWith(NodeCommand.Announcement, StringComparison.Ordinal)
            ? line[NodeCommand.Announcement.Length..]
            : throw new NodeException($"a node process said '{line}' where it should tell its address");
    }

    private static async Task<string> ReadLineAsync(Process process)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await process.StandardOutput.ReadLineAsync(patience.Token).ConfigureAwait(false)
                ?? throw new NodeException("a node process ended as it started; its log has the reason");
        }
        catch (OperationCanceledException)
        {
            throw new NodeException($"a node process did not join within {Patience.TotalSeconds} s");
        }
    }
}
