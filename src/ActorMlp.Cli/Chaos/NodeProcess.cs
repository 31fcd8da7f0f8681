using System.Diagnostics;
using System.Runtime.InteropServices;
using ActorMlp.Cli.Commands;
using ActorMlp.Cli.Runs;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Chaos;

/// <summary>A process with one node of the cluster, which can be killed, stopped and slowed down.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int Kill = 9;
    private const int Terminate = 15;
    private const int ContinueSignal = 18;
    private const int StopSignal = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SlowPeriod = TimeSpan.FromMilliseconds(40);

    private readonly Process process;
    private readonly TimeProvider time;
    private CancellationTokenSource? slow;
    private bool wasKilled;
    private Task slowing = Task.CompletedTask;

    private readonly ProcessGate? gate;
    private readonly Task closing;

    private NodeProcess(Process process, string address, ProcessGate? gate, TimeProvider time)
    {
        this.process = process;
        this.gate = gate;
        this.time = time;
        closing = CloseGateAsync();
        Address = address;
    }

    /// <summary>Its control address, <c>host:port</c>.</summary>
    public string Address { get; }

    /// <summary>Whether it still runs: a process that was killed does not, also while the system has not yet taken it away.</summary>
    public bool IsAlive => !wasKilled && !process.HasExited;

    /// <summary>Whether it was stopped and not continued.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Starts a node and waits until it listens.</summary>
    /// <param name="prefix">What to run the program by, such as <c>ip netns exec NAME</c>; empty for nothing.</param>
    /// <param name="arguments">What follows <c>actormlp node</c>.</param>
    /// <param name="gate">The proxies in front of it; null for none. They are closed when it ends.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="NodeException">It does not start.</exception>
    public static async Task<NodeProcess> StartAsync(IReadOnlyList<string> prefix, IReadOnlyList<string> arguments, ProcessGate? gate, TimeProvider time)
    {
        ProcessStartInfo start = NodeProgram.Start(prefix, arguments);
        start.RedirectStandardError = true;
        Process process = Process.Start(start) ?? throw new NodeException($"{start.FileName} could not be started");
        gate?.Belongs(process.Id);
        var complaints = new List<string>();
        process.ErrorDataReceived += (_, line) => complaints.AddRange(line.Data is { } text ? [text] : Array.Empty<string>());
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            string? line = await process.StandardOutput.ReadLineAsync(patience.Token).ConfigureAwait(false);
            if (line?.StartsWith(NodeCommand.Announcement, StringComparison.Ordinal) != true)
            {
                throw new NodeException($"a node process did not start: {string.Join(' ', complaints.Append(line ?? ""))}");
            }

            // What it says later is in its log; the pipe must not fill up.
            _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            return new NodeProcess(process, line[NodeCommand.Announcement.Length..], gate, time);
        }
        catch (Exception exception) when (exception is OperationCanceledException or NodeException)
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            if (gate is not null)
            {
                await gate.DisposeAsync().ConfigureAwait(false);
            }

            throw exception as NodeException ?? new NodeException($"a node process did not listen within {Patience.TotalSeconds} s");
        }
    }

    /// <summary>Ends it without a word.</summary>
    public void Crash()
    {
        wasKilled = true;
        Send(Kill);
    }

    /// <summary>Lets it leave in order.</summary>
    public void Leave() => Send(Terminate);

    /// <summary>Stops it.</summary>
    public void Stop()
    {
        IsStopped = true;
        Send(StopSignal);
    }

    /// <summary>Lets it go on.</summary>
    public void Continue()
    {
        IsStopped = false;
        Send(ContinueSignal);
    }

    /// <summary>Lets it run for a part of the time only.</summary>
    /// <param name="factor">How much slower; 1 for full speed.</param>
    public void Slow(double factor)
    {
        slow?.Cancel();
        if (factor > 1)
        {
            slow = new CancellationTokenSource();
            slowing = SlowAsync(factor, slow.Token);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        slow?.Cancel();
        await slowing.ConfigureAwait(false);
        if (IsAlive)
        {
            Continue();
            process.StandardInput.Close();
            using var patience = new CancellationTokenSource(Patience, time);
            try
            {
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        await closing.ConfigureAwait(false);
        slow?.Dispose();
        process.Dispose();
    }

    /// <summary>Whose process has ended, nobody listens at its ports: others are refused there, and so know that it is gone.</summary>
    private async Task CloseGateAsync()
    {
        if (gate is not null)
        {
            await process.WaitForExitAsync().ConfigureAwait(false);
            await gate.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task SlowAsync(double factor, CancellationToken end)
    {
        TimeSpan runs = SlowPeriod / factor;
        while (!end.IsCancellationRequested && IsAlive)
        {
            Send(StopSignal);
            await Task.Delay(SlowPeriod - runs, time, CancellationToken.None).ConfigureAwait(false);
            if (!IsStopped)
            {
                Send(ContinueSignal);
            }

            await Task.Delay(runs, time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void Send(int signal)
    {
        // Who has ended meanwhile needs none; the number of a process that was not waited for is not given away.
        if (!process.HasExited)
        {
            _ = Signal(process.Id, signal);
        }
    }

#pragma warning disable SYSLIB1054, CA5392 // A generated call would take unsafe code, which belongs to kernels only.
    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
#pragma warning restore SYSLIB1054, CA5392
}
