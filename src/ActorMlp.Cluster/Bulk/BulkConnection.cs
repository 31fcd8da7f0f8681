using System.Buffers.Binary;
using System.IO.Hashing;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Bulk.Transports;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// One connection after its handshake: a thread that receives and a thread that sends. It carries frames for a <see cref="FrameFlow"/>, which
/// outlives it; when anything is wrong it ends with a reason, and never half works.
/// </summary>
internal sealed class BulkConnection(BulkTransport transport, FrameFlow flow, BulkConnectionContext context)
{
    // Small enough to stay in a second-level cache between its checksum and the system's copy.
    private const int PieceBytes = 128 << 10;

    private readonly byte[] sendChecksum = new byte[FrameHead.ChecksumSize];
    private readonly byte[] sendHead = new byte[FrameHead.Size];
    private readonly byte[] receiveHead = new byte[FrameHead.Size];
    private readonly byte[] markHead = new byte[FrameHead.Size];
    private readonly XxHash3 sendHash = new();
    private readonly XxHash3 receiveHash = new();
    private readonly List<PendingFrame> acknowledged = [];
    private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Held by whoever writes to the transport; the other never waits for it.
    private readonly Lock writing = new();

    // Monitor, not Lock or a semaphore: its waiters sleep without spinning, and spinning is what a busy machine cannot afford.
    private readonly object signal = new();
    private bool workPosted = true;
    private volatile bool closed;
    private volatile bool goodbyeWanted;
    private volatile bool heard;
    private volatile bool spoke;
    private int silentBeats;
    private string? reason;

    /// <summary>The other end.</summary>
    public BulkPeer Peer => context.Peer;

    /// <summary>Whether the peer ended the session on purpose.</summary>
    public bool PeerSaidGoodbye { get; private set; }

    /// <summary>Done, with the reason, when the connection has ended and all who care were told.</summary>
    public Task<string> Ended => ended.Task;

    /// <summary>Carries frames until the connection ends; the calling thread is the one that receives.</summary>
    /// <returns>Why it ended. Nothing reads or writes any frame's memory any more.</returns>
    public string Carry()
    {
        Thread sender = BulkThreads.Start($"bulk to {context.Peer.NodeId}", SendLoop);
        try
        {
            ReceiveLoop();
            Close(PeerSaidGoodbye ? "the peer ended the session" : "the peer closed the connection");
        }
#pragma warning disable CA1031 // Whatever goes wrong while receiving is the end of this connection.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Close(Describe(exception));
        }

        sender.Join();
        return reason!;
    }

    /// <summary>All who care were told that the connection ended.</summary>
    public void SetEnded() => ended.TrySetResult(reason!);

    /// <summary>Ends the connection; the first reason counts.</summary>
    public void Close(string why)
    {
        Interlocked.CompareExchange(ref reason, why, null);
        closed = true;
        transport.Dispose();
        Kick();
    }

    /// <summary>Tells the peer, after the frame that is being sent, that the session ends here; the peer then closes the connection.</summary>
    public void SayGoodbye()
    {
        goodbyeWanted = true;
        Kick();
    }

    /// <summary>There may be something to send.</summary>
    public void Kick()
    {
        lock (signal)
        {
            if (!workPosted)
            {
                workPosted = true;
                Monitor.Pulse(signal);
            }
        }
    }

    /// <summary>A beat of the heart: sends a sign of life if nothing else was sent, gives the connection up if nothing came for too long.</summary>
    public void Beat()
    {
        silentBeats = heard ? 0 : silentBeats + 1;
        heard = false;
        if (silentBeats > context.Options.MissedHeartbeats)
        {
            Close($"nothing came for {silentBeats * context.Options.HeartbeatInterval.TotalSeconds:0.#} s");
        }
        else if (!spoke)
        {
            flow.WantSignOfLife();
        }

        spoke = false;
    }

    private void SendLoop()
    {
        try
        {
            while (WaitForWork())
            {
                lock (writing)
                {
                    while (!goodbyeWanted && flow.TryTake(out PendingFrame? frame, out FlowMarks marks, out bool again))
                    {
                        if (frame is null)
                        {
                            SendBare(sendHead, FrameType.Acknowledgement, marks);
                        }
                        else
                        {
                            SendData(frame, marks, again);
                        }
                    }

                    transport.Hold(false);
                    if (goodbyeWanted)
                    {
                        SendBare(sendHead, FrameType.Goodbye, flow.Marks);
                        transport.End();
                        return;
                    }
                }
            }
        }
#pragma warning disable CA1031 // Whatever goes wrong while sending is the end of this connection.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Close(Describe(exception));
        }
    }

    private bool WaitForWork()
    {
        lock (signal)
        {
            while (!workPosted)
            {
                Monitor.Wait(signal);
            }

            workPosted = false;
        }

        return !closed;
    }

    private void SendData(PendingFrame frame, FlowMarks marks, bool again)
    {
        // Once its last byte is out the frame may be acknowledged, and the object serve another: nothing of it is read after that.
        ReadOnlySpan<byte> payload = frame.Payload.Span;
        ReadOnlySpan<ReadOnlyMemory<byte>> further = frame.FurtherParts.Span;
        bool hasPayload = frame.PayloadLength > 0;
        FrameHead.WriteData(sendHead, new FramePrefix(FrameType.Data, 0, frame.PayloadLength, frame.Sequence, marks), frame.HeaderBytes);
        context.Traffic.FrameSent(again);
        transport.Hold(true);
        Send(sendHead, payload: false);
        SendPayload(payload);
        foreach (ReadOnlyMemory<byte> part in further)
        {
            SendPayload(part.Span);
        }

        if (hasPayload)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(sendChecksum, sendHash.GetCurrentHashAsUInt64());
            sendHash.Reset();
            Send(sendChecksum, payload: false);
        }
    }

    private void SendPayload(ReadOnlySpan<byte> payload)
    {
        while (payload.Length > 0)
        {
            ReadOnlySpan<byte> piece = payload[..Math.Min(payload.Length, PieceBytes)];
            sendHash.Append(piece);
            Send(piece, payload: true);
            payload = payload[piece.Length..];
        }
    }

    private void SendBare(byte[] head, FrameType type, FlowMarks marks)
    {
        FrameHead.WriteBare(head, type, marks);
        Send(head, payload: false);
    }

    private void Send(ReadOnlySpan<byte> bytes, bool payload)
    {
        spoke = true;
        transport.Send(bytes);
        context.Traffic.Sent(payload ? 0 : bytes.Length, payload ? bytes.Length : 0);
    }

    private void ReceiveLoop()
    {
        while (ReceiveHead())
        {
            FramePrefix prefix = FrameHead.Read(receiveHead);
            context.Traffic.Received(FrameHead.Size, 0);
            bool moreToSend = flow.Acknowledge(prefix.Marks, acknowledged);
            foreach (PendingFrame frame in acknowledged)
            {
                frame.Complete(BulkDelivery.Acknowledged);
            }

            acknowledged.Clear();
            if (moreToSend)
            {
                Kick();
            }

            if (prefix.Type == FrameType.Goodbye)
            {
                PeerSaidGoodbye = true;
                return;
            }

            if (prefix.Type == FrameType.Data)
            {
                ReceivePayload(prefix);
            }

            // After any frame: before this thread sleeps, the peer must have heard of all that came.
            if (flow.OwesMarks && (flow.WantsMarks(idle: false) || (!transport.AwaitInput() && flow.WantsMarks(idle: true))))
            {
                SendMarks();
            }
        }
    }

    /// <summary>
    /// Tells the peer how far this node has received, from this thread if no other is sending and the peer need not read first: waking the sender
    /// would cost more than the message. This thread must never wait for the peer to read, or two of them could wait for each other.
    /// </summary>
    private void SendMarks()
    {
        if (writing.TryEnter())
        {
            try
            {
                if (!goodbyeWanted && transport.HasRoom)
                {
                    SendBare(markHead, FrameType.Acknowledgement, flow.TakeMarks());
                    return;
                }
            }
            finally
            {
                writing.Exit();
            }
        }

        Kick();
    }

    private bool ReceiveHead()
    {
        for (int filled = 0; filled < FrameHead.Size;)
        {
            int read = transport.Receive(receiveHead.AsSpan(filled));
            if (read == 0)
            {
                return filled > 0 ? throw new EndOfStreamException("the connection ended within the head of a frame") : false;
            }

            heard = true;
            filled += read;
        }

        return true;
    }

    private void ReceivePayload(FramePrefix prefix)
    {
        int size = checked(FrameHead.Size + prefix.PayloadLength);
        flow.CheckSize(prefix.Sequence, size);

        // After a goodbye is wanted frames are read and thrown away, so their numbers no longer follow what was received.
        bool isNew = !goodbyeWanted && flow.Expect(prefix.Sequence, size);
        var buffer = new BulkBuffer(context.Pool, prefix.PayloadLength);
        bool handedOver = false;
        try
        {
            ReceiveChecked(buffer.Incoming.Span, prefix);
            BulkHeader header = FrameHead.ReadHeader(receiveHead, prefix);
            if (isNew && !goodbyeWanted)
            {
                flow.Received(prefix.Sequence, size);
                context.Traffic.FrameReceived();
                buffer.Accepted(flow);
                handedOver = true;
                Deliver(header, buffer);
            }
        }
        finally
        {
            if (!handedOver)
            {
                buffer.Dispose();
            }
        }
    }

    private void ReceiveChecked(Span<byte> incoming, in FramePrefix prefix)
    {
        for (int filled = 0; filled < incoming.Length;)
        {
            transport.Expect(incoming.Length - filled);
            int read = transport.Receive(incoming[filled..]);
            if (read == 0)
            {
                throw new EndOfStreamException($"the connection ended within frame {prefix.Sequence}");
            }

            // Piece by piece, while it is in the cache.
            int payload = Math.Clamp(prefix.PayloadLength - filled, 0, read);
            receiveHash.Append(incoming.Slice(filled, payload));
            context.Traffic.Received(read - payload, payload);
            heard = true;
            filled += read;
        }

        if (incoming.Length > 0)
        {
            transport.Expect(1);
            ulong checksum = receiveHash.GetCurrentHashAsUInt64();
            receiveHash.Reset();
            if (checksum != BinaryPrimitives.ReadUInt64LittleEndian(incoming[prefix.PayloadLength..]))
            {
                throw new BulkProtocolException($"the checksum of the payload of frame {prefix.Sequence} does not match");
            }
        }
    }

    private void Deliver(in BulkHeader header, BulkBuffer buffer)
    {
        try
        {
            context.Sink.Receive(context.Peer, header, buffer);
        }
#pragma warning disable CA1031 // Whatever a sink throws must not end the connection, or the frame would come again and again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            context.Log.SinkFailed(exception, context.Peer, header);
            buffer.Dispose();
        }
    }

    private static string Describe(Exception exception) => exception switch
    {
        SocketException socket => $"the connection broke: {socket.SocketErrorCode}",
        IOException { InnerException: SocketException socket } => $"the connection broke: {socket.SocketErrorCode}",
        ObjectDisposedException => "the connection was closed here",
        _ => exception.Message,
    };
}

/// <summary>What a connection works with.</summary>
/// <param name="Options">Limits and times.</param>
/// <param name="Peer">The other end.</param>
/// <param name="Sink">Takes frames.</param>
/// <param name="Pool">Memory of receive buffers.</param>
/// <param name="Traffic">Counts of this peer.</param>
/// <param name="Log">The endpoint's log.</param>
internal sealed record BulkConnectionContext(
    BulkOptions Options, BulkPeer Peer, IBulkSink Sink, BulkBufferPool Pool, TrafficCounters Traffic, ILogger Log);
