using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Bulk;

/// <summary>The receiving process of <see cref="BulkPlane"/>: writes its two ports, then its CPU time for every line it reads.</summary>
internal static class BulkPlanePeer
{
    public static async Task RunAsync()
    {
        using var bare = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bare.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        bare.Listen();
        new Thread(() => Receive(bare)) { IsBackground = true }.Start();
        BulkEndpoint endpoint = BulkEndpoint.Start(
            new BulkOptions { NodeId = "receiver", Security = BulkSecurity.None },
            new IPEndPoint(IPAddress.Loopback, 0),
            new DisposingSink(),
            new ConnectionObserver(new TaskCompletionSource()),
            TimeProvider.System,
            NullLogger.Instance);
        await using (endpoint.ConfigureAwait(false))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{((IPEndPoint)bare.LocalEndPoint!).Port} {endpoint.Address.Port}"));
            while (Console.ReadLine() is not null)
            {
                using var self = Process.GetCurrentProcess();
                Console.WriteLine(self.TotalProcessorTime.Ticks.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    private static void Receive(Socket listener)
    {
        using Socket socket = listener.Accept();
        socket.NoDelay = true;
        byte[] order = new byte[8];
        byte[] buffer = [];
        while (Fill(socket, order))
        {
            int size = BinaryPrimitives.ReadInt32LittleEndian(order);
            int frames = BinaryPrimitives.ReadInt32LittleEndian(order.AsSpan(4));
            if (buffer.Length != size)
            {
                buffer = GC.AllocateUninitializedArray<byte>(size, pinned: true);
            }

            for (int i = 0; i < frames; i++)
            {
                Fill(socket, buffer);
            }

            socket.Send(order);
        }
    }

    private static bool Fill(Socket socket, Span<byte> into)
    {
        while (into.Length > 0)
        {
            int read = socket.Receive(into);
            if (read == 0)
            {
                return false;
            }

            into = into[read..];
        }

        return true;
    }
}

/// <summary>The receiving process, seen from the sending one.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process process;

    private PeerProcess(Process process)
    {
        this.process = process;
        string[] ports = process.StandardOutput.ReadLine()!.Split(' ');
        BareAddress = new IPEndPoint(IPAddress.Loopback, int.Parse(ports[0], CultureInfo.InvariantCulture));
        BulkAddress = new IPEndPoint(IPAddress.Loopback, int.Parse(ports[1], CultureInfo.InvariantCulture));
    }

    public IPEndPoint BareAddress { get; }

    public IPEndPoint BulkAddress { get; }

    public static PeerProcess Start() => new(Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["bulk-peer"])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!);

    public TimeSpan ReadCpu()
    {
        process.StandardInput.WriteLine("cpu");
        return TimeSpan.FromTicks(long.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}

/// <summary>The bare loop's sending end: blocking calls, no checksum, no header.</summary>
internal sealed class BareSender : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public BareSender(IPEndPoint address) => socket.Connect(address);

    /// <summary>Sends frames, and waits until the other end has the last.</summary>
    public void Send(ReadOnlyMemory<byte>[] payloads, int frames)
    {
        byte[] order = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(order, payloads[0].Length);
        BinaryPrimitives.WriteInt32LittleEndian(order.AsSpan(4), frames);
        socket.Send(order);
        for (int i = 0; i < frames; i++)
        {
            ReadOnlySpan<byte> rest = payloads[i % payloads.Length].Span;
            while (rest.Length > 0)
            {
                rest = rest[socket.Send(rest)..];
            }
        }

        for (int got = 0; got < order.Length;)
        {
            got += socket.Receive(order.AsSpan(got));
        }
    }

    public void Dispose() => socket.Dispose();
}
