using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Bulk.Transports;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.Bulk;

/// <summary>A connection that is to end with a goodbye, and a peer, played by the test, that has not heard of it and sends on.</summary>
public sealed class GoodbyeTests
{
    // Far more than both sockets take on the way to a peer that does not read.
    private const int LargePayload = 8 << 20;
    private const int SocketBufferBytes = 64 << 10;

    [Fact]
    public async Task Frames_that_come_while_a_goodbye_waits_are_thrown_away_and_the_goodbye_is_said()
    {
        using Socket peer = Dial(out Socket accepted);
        var options = new BulkOptions { NodeId = "a", Security = BulkSecurity.None, MaxFrameBytes = 2 * LargePayload, WindowBytes = 2 * LargePayload };
        BulkConnection? connection = null;
        var flow = new FrameFlow("b", options, () => connection?.Kick());
        flow.Resume(default, options.WindowBytes, options.MaxFrameBytes);
        var sink = new CountingSink();
        var traffic = new TrafficCounters("b");
        connection = new BulkConnection(
            new SocketTransport(accepted), flow, new BulkConnectionContext(options, new BulkPeer("b", 1, null), sink, new BulkBufferPool(0), traffic, NullLogger.Instance));
        Task<string> carried = Task.Run(connection.Carry, TestContext.Current.CancellationToken);
        try
        {
            peer.Send(DataFrame(1));
            await BulkNode.UntilAsync(() => sink.Frames == 1, "a frame before the goodbye is delivered");

            // The sender is in the middle of a frame that the peer does not read: the goodbye has to wait for its end.
            flow.Enqueue(new BulkHeader { Kind = BulkKind.State }, new byte[LargePayload], default, null, null, out _);
            await BulkNode.UntilAsync(() => traffic.Read().PayloadBytesSent > 0, "the large frame is begun");
            connection.SayGoodbye();
            long before = traffic.Read().BytesReceived;
            for (ulong sequence = 2; sequence <= 5; sequence++)
            {
                peer.Send(DataFrame(sequence));
            }

            await BulkNode.UntilAsync(() => carried.IsCompleted || traffic.Read().BytesReceived == before + 4 * DataFrame(2).Length, "all frames are read");
            Assert.False(carried.IsCompleted, "the connection ended by frames that came while the goodbye waited");
            Assert.Equal(FrameType.Goodbye, await Task.Run(() => ReadToEnd(peer), TestContext.Current.CancellationToken));
        }
        finally
        {
            peer.Close();
        }

        Assert.Equal("the peer closed the connection", await carried.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(1, sink.Frames);
        Assert.Equal(1ul, flow.Marks.Acknowledged);
    }

    [Fact]
    public async Task Frame_that_is_too_large_closes_the_connection_while_a_goodbye_waits_too()
    {
        using Socket peer = Dial(out Socket accepted);
        var options = new BulkOptions { NodeId = "a", Security = BulkSecurity.None, MaxFrameBytes = 2 * LargePayload, WindowBytes = 2 * LargePayload };
        BulkConnection? connection = null;
        var flow = new FrameFlow("b", options, () => connection?.Kick());
        flow.Resume(default, options.WindowBytes, options.MaxFrameBytes);
        var traffic = new TrafficCounters("b");
        connection = new BulkConnection(
            new SocketTransport(accepted), flow, new BulkConnectionContext(options, new BulkPeer("b", 1, null), new CountingSink(), new BulkBufferPool(0), traffic, NullLogger.Instance));
        Task<string> carried = Task.Run(connection.Carry, TestContext.Current.CancellationToken);
        flow.Enqueue(new BulkHeader { Kind = BulkKind.State }, new byte[LargePayload], default, null, null, out _);
        await BulkNode.UntilAsync(() => traffic.Read().PayloadBytesSent > 0, "the large frame is begun");
        connection.SayGoodbye();
        peer.Send(DataFrame(1, payloadLength: 2 * LargePayload));
        string reason = await carried.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
        Assert.Equal($"frame 1 has {FrameHead.Size + 2 * LargePayload} bytes, {2 * LargePayload} are allowed", reason);
    }

    private static Socket Dial(out Socket accepted)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveBufferSize = SocketBufferBytes,
            ReceiveTimeout = (int)BulkNode.Patience.TotalMilliseconds,
        };
        peer.Connect(listener.LocalEndPoint!);
        accepted = listener.Accept();
        accepted.SendBufferSize = SocketBufferBytes;
        return peer;
    }

    /// <summary>The head of a frame, which is all of one without a payload.</summary>
    private static byte[] DataFrame(ulong sequence, int payloadLength = 0)
    {
        var header = new ArrayBufferWriter<byte>();
        FrameHead.WriteHeader(header, new BulkHeader { Kind = BulkKind.Gradient, Step = (long)sequence });
        byte[] head = new byte[FrameHead.Size];
        FrameHead.WriteData(head, new FramePrefix(FrameType.Data, 0, payloadLength, sequence, default), header.WrittenSpan);
        return head;
    }

    /// <summary>Reads frames until the stream ends, on a frame's end.</summary>
    /// <returns>What the last was for.</returns>
    private static FrameType ReadToEnd(Socket socket)
    {
        FrameType last = default;
        byte[] head = new byte[FrameHead.Size], rest = new byte[1 << 20];
        while (Fill(socket, head))
        {
            FramePrefix prefix = FrameHead.Read(head);
            last = prefix.Type;
            int left = prefix.PayloadLength > 0 ? prefix.PayloadLength + FrameHead.ChecksumSize : 0;
            for (int part; left > 0; left -= part)
            {
                part = Math.Min(left, rest.Length);
                Assert.True(Fill(socket, rest.AsSpan(0, part)), "the stream ended within a frame");
            }
        }

        return last;
    }

    private static bool Fill(Socket socket, Span<byte> into)
    {
        for (int filled = 0; filled < into.Length;)
        {
            int read = socket.Receive(into[filled..]);
            if (read == 0)
            {
                Assert.Equal(0, filled);
                return false;
            }

            filled += read;
        }

        return true;
    }

    private sealed class CountingSink : IBulkSink
    {
        private int frames;

        public int Frames => Volatile.Read(ref frames);

        public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload)
        {
            payload.Dispose();
            Interlocked.Increment(ref frames);
        }
    }
}
