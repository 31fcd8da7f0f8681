using System.Diagnostics;
using System.Globalization;
using System.Net;
using ActorMlp.Benchmarks.Bulk;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Nodes;
using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Nodes;

/// <summary>
/// What a control message waits while the bulk plane is full: two node processes over loopback, which send each other frames of 1 MB as fast as they can,
/// and pings meanwhile. The actors that ping are dispatched as those of a run are. For comparison, pings first go without bulk.
/// </summary>
internal static class ControlDelay
{
    private const int FrameBytes = 1 << 20;
    private const int QuietSeconds = 10;
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);

    /// <summary>Runs the two nodes as processes of their own.</summary>
    /// <param name="seconds">How long bulk goes on.</param>
    public static async Task RunAsync(int seconds)
    {
        using Process first = Start("-", seconds);
        string[] firstAddresses = await ReadAddressesAsync(first).ConfigureAwait(false);
        using Process second = Start(firstAddresses[0], seconds);
        string[] secondAddresses = await ReadAddressesAsync(second).ConfigureAwait(false);
        await first.StandardInput.WriteLineAsync(string.Join(' ', secondAddresses)).ConfigureAwait(false);
        await second.StandardInput.WriteLineAsync(string.Join(' ', firstAddresses)).ConfigureAwait(false);
        Console.WriteLine($"2 nodes, {Environment.ProcessorCount} cores; {QuietSeconds} s without bulk, {seconds} s with bulk both ways in frames of {FrameBytes >> 20} MB; load before {Load()}");
        foreach (Process node in new[] { first, second })
        {
            Console.Write(await node.StandardOutput.ReadToEndAsync().ConfigureAwait(false));
            await node.WaitForExitAsync().ConfigureAwait(false);
        }

        Console.WriteLine($"load after {Load()}");
    }

    /// <summary>One of the processes: writes its control and its bulk address, reads those of the other, measures, and writes what it found.</summary>
    public static async Task RunNodeAsync(string join, int seconds)
    {
        var log = new DelayLog();
        var options = new NodeOptions
        {
            Listen = new NodeAddress("127.0.0.1", 0),
            Join = join == "-" ? [] : [join],
            DataDirectory = Path.GetTempPath(),
        };
        await using NodeHost node = await NodeHost.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System, akka =>
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new DelayPinger(log)), DelayPinger.Name))).ConfigureAwait(false);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        BulkEndpoint endpoint = BulkEndpoint.Start(
            new BulkOptions { NodeId = node.Address.ToString(), Security = BulkSecurity.None },
            new IPEndPoint(IPAddress.Loopback, 0),
            new DisposingSink(),
            new ConnectionObserver(connected),
            TimeProvider.System,
            NullLogger.Instance);
        await using (endpoint.ConfigureAwait(false))
        {
            Console.WriteLine($"{node.Address} {endpoint.Address}");
            string[] peer = (await Console.In.ReadLineAsync().ConfigureAwait(false))!.Split(' ');
            endpoint.Connect(peer[0], IPEndPoint.Parse(peer[1]));
            await connected.Task.ConfigureAwait(false);
            while (node.Cluster.State.Members.Count(member => member.Status == MemberStatus.Up) < 2)
            {
                await Task.Delay(100).ConfigureAwait(false);
            }

            // What starts up and is compiled meanwhile counts for neither.
            await Task.Delay(SettleTime).ConfigureAwait(false);
            log.Take();
            await Task.Delay(TimeSpan.FromSeconds(QuietSeconds)).ConfigureAwait(false);
            string quiet = log.Take().Describe();

            var flood = new BulkFlood(endpoint, peer[0], FrameBytes);
            long began = Stopwatch.GetTimestamp();
            flood.Begin();
            await Task.Delay(TimeSpan.FromSeconds(seconds)).ConfigureAwait(false);
            double speed = flood.AcknowledgedBytes / 1e6 / Stopwatch.GetElapsedTime(began).TotalSeconds;
            Delays busy = log.Take();
            await flood.EndAsync().ConfigureAwait(false);

            // Both report before any leaves: a node that leaves is no failure.
            await Task.Delay(SettleTime).ConfigureAwait(false);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {node.Address}, sent {speed:0} MB/s of bulk; marked the other unreachable {log.Unreachable} times\n    without bulk: {quiet}\n    with bulk:    {busy.Describe()}"));
        }
    }

    private static Process Start(string join, int seconds)
    {
        string[] own = ["control-node", join, seconds.ToString(CultureInfo.InvariantCulture)];
        string[] arguments = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(ControlDelay).Assembly.Location, .. own] : own;
        return Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static async Task<string[]> ReadAddressesAsync(Process node) =>
        (await node.StandardOutput.ReadLineAsync().ConfigureAwait(false) ?? throw new InvalidOperationException("a node did not start")).Split(' ');

    private static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
}

/// <summary>Frames to one node until told to end: some megabytes are always under way, each acknowledgement sends the next.</summary>
internal sealed class BulkFlood(BulkEndpoint endpoint, string nodeId, int frameBytes)
{
    private const int BytesUnderWay = 8 << 20;

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] payload = Payload(frameBytes);
    private long step;
    private long acknowledged;
    private int underWay;
    private volatile bool ending;

    /// <summary>Bytes that the other node has.</summary>
    public long AcknowledgedBytes => Interlocked.Read(ref acknowledged) * frameBytes;

    public void Begin()
    {
        underWay = BytesUnderWay / frameBytes;
        int first = underWay;
        for (int i = 0; i < first; i++)
        {
            SendNext();
        }
    }

    /// <summary>Sends no more, and waits for what is under way.</summary>
    /// <exception cref="BulkException">A frame was lost.</exception>
    public Task EndAsync()
    {
        ending = true;
        return ended.Task;
    }

    private static byte[] Payload(int bytes)
    {
        byte[] payload = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
        for (int i = 0; i < bytes; i++)
        {
            payload[i] = (byte)(i * 31);
        }

        return payload;
    }

    private void SendNext() => endpoint.Send(
        nodeId,
        new BulkHeader { RunId = 1, Step = Interlocked.Increment(ref step), Kind = BulkKind.Gradient, Count = frameBytes / sizeof(float) },
        payload,
        static (flood, _, failure) => ((BulkFlood)flood!).Acknowledge(failure),
        this);

    private void Acknowledge(Exception? failure)
    {
        if (failure is not null)
        {
            ended.TrySetException(failure);
            return;
        }

        Interlocked.Increment(ref acknowledged);
        if (!ending)
        {
            SendNext();
        }
        else if (Interlocked.Decrement(ref underWay) == 0)
        {
            ended.TrySetResult();
        }
    }
}
