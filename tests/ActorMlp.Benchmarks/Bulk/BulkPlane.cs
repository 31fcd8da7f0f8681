using System.Diagnostics;
using System.Globalization;
using System.Net;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Cluster.Bulk;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Bulk;

/// <summary>
/// What the bulk plane costs over a bare loop of socket calls that carries the same bytes: MB/s and CPU seconds per GB, of both processes together, over
/// loopback. Slices of the two take turns, so that a change of the machine's speed meets both alike.
/// </summary>
internal static class BulkPlane
{
    private const int Buffers = 4;
    private const long SliceBytes = 1L << 30;

    private static readonly int[] FrameSizes = [256 << 10, 1 << 20, 4 << 20];

    public static async Task RunAsync(int rounds)
    {
        using var peer = PeerProcess.Start();
        var connected = new TaskCompletionSource();
        BulkEndpoint endpoint = BulkEndpoint.Start(
            new BulkOptions { NodeId = "sender", Security = BulkSecurity.None },
            new IPEndPoint(IPAddress.Loopback, 0),
            new DisposingSink(),
            new ConnectionObserver(connected),
            TimeProvider.System,
            NullLogger.Instance);
        await using (endpoint.ConfigureAwait(false))
        {
            endpoint.Connect("receiver", peer.BulkAddress);
            await connected.Task.ConfigureAwait(false);
            using var bare = new BareSender(peer.BareAddress);
            Console.WriteLine($"two processes over loopback, one way, slices of {SliceBytes >> 20} MB, medians of {rounds} interleaved slices; CPU of both processes");
            foreach (int size in FrameSizes)
            {
                await CompareAsync(size, rounds, peer, bare, endpoint).ConfigureAwait(false);
            }
        }
    }

    private static async Task CompareAsync(int size, int rounds, PeerProcess peer, BareSender bare, BulkEndpoint endpoint)
    {
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, Buffers).Select(seed => Payload(size, seed))];
        int frames = (int)(SliceBytes / size);
        List<Sample> bareSamples = [];
        List<Sample> bulkSamples = [];
        for (int round = -1; round < rounds; round++)
        {
            Sample socket = await MeasureAsync(peer, () =>
            {
                bare.Send(payloads, frames);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            Sample bulk = await MeasureAsync(peer, () => SendAsync(endpoint, payloads, frames)).ConfigureAwait(false);
            if (round >= 0)
            {
                bareSamples.Add(socket);
                bulkSamples.Add(bulk);
            }
        }

        double bareSpeed = Statistics.Median(bareSamples.Select(sample => sample.MegabytesPerSecond));
        double bareCpu = Statistics.Median(bareSamples.Select(sample => sample.CpuSecondsPerGigabyte));
        double bulkSpeed = Statistics.Median(bulkSamples.Select(sample => sample.MegabytesPerSecond));
        double bulkCpu = Statistics.Median(bulkSamples.Select(sample => sample.CpuSecondsPerGigabyte));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"frames of {size >> 10,5} kB   bare {bareSpeed,6:0} MB/s {bareCpu:0.000} CPU s/GB   bulk {bulkSpeed,6:0} MB/s {bulkCpu:0.000} CPU s/GB   speed {100 * bulkSpeed / bareSpeed:0} %, CPU {bulkCpu / bareCpu:0.00}x"));
    }

    private static async Task<Sample> MeasureAsync(PeerProcess peer, Func<Task> transfer)
    {
        using var self = Process.GetCurrentProcess();
        TimeSpan cpuBefore = self.TotalProcessorTime + peer.ReadCpu();
        long began = Stopwatch.GetTimestamp();
        await transfer().ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        self.Refresh();
        TimeSpan cpu = self.TotalProcessorTime + peer.ReadCpu() - cpuBefore;
        return new Sample(SliceBytes / 1e6 / elapsed.TotalSeconds, cpu.TotalSeconds / (SliceBytes / 1e9));
    }

    private static Task SendAsync(BulkEndpoint endpoint, ReadOnlyMemory<byte>[] payloads, int frames)
    {
        var slice = new Slice(endpoint, payloads, frames);
        slice.Begin();
        return slice.Done;
    }

    private static ReadOnlyMemory<byte> Payload(int size, int seed)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        for (int i = 0; i < size; i++)
        {
            bytes[i] = (byte)(i * 31 + seed);
        }

        return bytes;
    }

    private readonly record struct Sample(double MegabytesPerSecond, double CpuSecondsPerGigabyte);

    /// <summary>Frames of one slice: a few megabytes are always under way, each acknowledgement sends the next.</summary>
    private sealed class Slice(BulkEndpoint endpoint, ReadOnlyMemory<byte>[] payloads, int frames)
    {
        private const int BytesUnderWay = 8 << 20;

        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int sent;
        private int acknowledged;

        public Task Done => done.Task;

        public void Begin()
        {
            int underWay = Math.Clamp(BytesUnderWay / payloads[0].Length, 2, frames);
            for (int i = 0; i < underWay; i++)
            {
                SendNext();
            }
        }

        private void SendNext()
        {
            int number = Interlocked.Increment(ref sent) - 1;
            if (number < frames)
            {
                endpoint.Send(
                    "receiver",
                    new BulkHeader { RunId = 1, Step = number, Kind = BulkKind.Gradient, Count = payloads[0].Length / sizeof(float) },
                    payloads[number % payloads.Length],
                    static (slice, _, failure) => ((Slice)slice!).Acknowledge(failure),
                    this);
            }
        }

        private void Acknowledge(Exception? failure)
        {
            if (failure is not null)
            {
                done.TrySetException(failure);
            }
            else if (Interlocked.Increment(ref acknowledged) == frames)
            {
                done.TrySetResult();
            }
            else
            {
                SendNext();
            }
        }
    }
}

/// <summary>Lets go of every frame at once.</summary>
internal sealed class DisposingSink : IBulkSink
{
    public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload) => payload.Dispose();
}

/// <summary>Waits for the first connection.</summary>
internal sealed class ConnectionObserver(TaskCompletionSource connected) : IBulkObserver
{
    public void Connected(BulkPeer peer) => connected.TrySetResult();

    public void Lost(BulkPeer peer, string reason, bool final)
    {
    }
}
