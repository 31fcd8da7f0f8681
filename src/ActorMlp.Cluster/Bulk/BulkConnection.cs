using System.IO.Hashing;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Bulk.Transports;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// One connection after its handshake: a loop that receives, and a pump that sends while there is something to send. It carries frames for a
/// <see cref="FrameFlow"/>, which outlives it; when anything is wrong it ends with a reason, and never half works.
/// </summary>
internal sealed class BulkConnection : IThreadPoolWorkItem
{
    private const int Idle = 0;
    private const int Running = 1;
    private const int RunAgain = 2;
    private const int Closed = 3;

    private readonly BulkTransport transport;
    private readonly FrameFlow flow;
    private readonly BulkConnectionContext context;
    private readonly byte[] sendHead = GC.AllocateArray<byte>(FrameHead.Size, pinned: true);
    private readonly byte[] receiveHead = GC.AllocateArray<byte>(FrameHead.Size, pinned: true);
    private readonly XxHash3 sendHash = new();
    private readonly XxHash3 receiveHash = new();
    private readonly List<PendingFrame> acknowledged = [];
    private readonly TaskCompletionSource pumpEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int pump;
    private string? reason;
    private volatile bool goodbyeWanted;
    private volatile bool heard;
    private volatile bool spoke;
    private int silentBeats;

    public BulkConnection(BulkTransport transport, FrameFlow flow, BulkConnectionContext context)
    {
        this.transport = transport;
        this.flow = flow;
        this.context = context;
    }

    /// <summary>Whether the peer ended the session on purpose.</summary>
    public bool PeerSaidGoodbye { get; private set; }

    /// <summary>Carries frames until the connection ends.</summary>
    /// <returns>Why it ended. Nothing reads or writes any frame's memory any more by then.</returns>
    public async Task<string> RunAsync()
    {
        await Task.Yield();
        Kick();
        try
        {
            await ReceiveAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever goes wrong while receiving is the end of this connection.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Close(Describe(exception));
        }

        Close(PeerSaidGoodbye ? "the peer ended the session" : "the peer closed the connection");
        await pumpEnded.Task.ConfigureAwait(false);
        return reason!;
    }

    /// <summary>Ends the connection; the first reason counts.</summary>
    public void Close(string why)
    {
        Interlocked.CompareExchange(ref reason, why, null);
        transport.Dispose();
        if (Interlocked.Exchange(ref pump, Closed) is Idle)
        {
            pumpEnded.TrySetResult();
        }
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
        if (WakePump())
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
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

    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private bool WakePump()
    {
        for (int seen = Volatile.Read(ref pump); seen is Idle or Running;)
        {
            int found = Interlocked.CompareExchange(ref pump, seen == Idle ? Running : RunAgain, seen);
            if (found == seen)
            {
                return seen == Idle;
            }

            seen = found;
        }

        return false;
    }

    /// <summary>Sends until nothing is left. Only one pump runs at a time; whoever finds it asleep starts it.</summary>
    private async Task PumpAsync()
    {
        try
        {
            int found;
            do
            {
                Interlocked.CompareExchange(ref pump, Running, RunAgain);
                while (!goodbyeWanted && flow.TryTake(out PendingFrame? frame, out FlowMarks marks, out bool again))
                {
                    await SendAsync(frame, marks, again).ConfigureAwait(false);
                }

                transport.Hold(false);
                if (goodbyeWanted)
                {
                    // Nothing may follow: the pump stays marked as running, so that none is started again.
                    FrameHead.WriteBare(sendHead, FrameType.Goodbye, flow.Marks);
                    await transport.SendAsync(sendHead).ConfigureAwait(false);
                    await transport.EndAsync().ConfigureAwait(false);
                    pumpEnded.TrySetResult();
                    return;
                }

                found = Interlocked.CompareExchange(ref pump, Idle, Running);
            }
            while (found == RunAgain);
            if (found == Closed)
            {
                pumpEnded.TrySetResult();
            }
        }
#pragma warning disable CA1031 // Whatever goes wrong while sending is the end of this connection.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Close(Describe(exception));
            pumpEnded.TrySetResult();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(PendingFrame? frame, FlowMarks marks, bool again)
    {
        spoke = true;
        if (frame is null)
        {
            FrameHead.WriteBare(sendHead, FrameType.Acknowledgement, marks);
            await transport.SendAsync(sendHead).ConfigureAwait(false);
            context.Traffic.Sent(FrameHead.Size, 0);
            return;
        }

        // The frame object may serve another frame as soon as its last byte is out and acknowledged: keep what is needed.
        ReadOnlyMemory<byte> payload = frame.Payload;
        ReadOnlyMemory<ReadOnlyMemory<byte>> further = frame.FurtherParts;
        ulong checksum = frame.Checksum ??= Checksum(payload.Span, further.Span);
        FrameHead.WriteData(sendHead, new FramePrefix(FrameType.Data, 0, frame.PayloadLength, frame.Sequence, marks, checksum), frame.HeaderBytes);
        context.Traffic.FrameSent(again);
        transport.Hold(true);
        await transport.SendAsync(sendHead).ConfigureAwait(false);
        context.Traffic.Sent(FrameHead.Size, 0);
        if (payload.Length > 0)
        {
            await transport.SendAsync(payload).ConfigureAwait(false);
            context.Traffic.Sent(0, payload.Length);
        }

        for (int i = 0; i < further.Length; i++)
        {
            ReadOnlyMemory<byte> part = further.Span[i];
            await transport.SendAsync(part).ConfigureAwait(false);
            context.Traffic.Sent(0, part.Length);
        }
    }

    private ulong Checksum(ReadOnlySpan<byte> payload, ReadOnlySpan<ReadOnlyMemory<byte>> further)
    {
        if (further.Length == 0)
        {
            return XxHash3.HashToUInt64(payload);
        }

        sendHash.Append(payload);
        foreach (ReadOnlyMemory<byte> part in further)
        {
            sendHash.Append(part.Span);
        }

        ulong checksum = sendHash.GetCurrentHashAsUInt64();
        sendHash.Reset();
        return checksum;
    }

    private async Task ReceiveAsync()
    {
        while (await ReceiveHeadAsync().ConfigureAwait(false))
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
                await ReceivePayloadAsync(prefix).ConfigureAwait(false);
                if (flow.WantsMarks(idle: false))
                {
                    Kick();
                }
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReceiveHeadAsync()
    {
        for (int filled = 0; filled < FrameHead.Size;)
        {
            ValueTask<int> receiving = transport.ReceiveAsync(receiveHead.AsMemory(filled));

            // Nothing more is there: the peer may be waiting to hear that all before it arrived. Sent from here, without a change of threads.
            if (!receiving.IsCompleted && flow.WantsMarks(idle: true) && WakePump())
            {
                _ = PumpAsync();
            }

            int read = await receiving.ConfigureAwait(false);
            if (read == 0)
            {
                return filled > 0 ? throw new EndOfStreamException("the connection ended within the head of a frame") : false;
            }

            heard = true;
            filled += read;
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceivePayloadAsync(FramePrefix prefix)
    {
        int size = checked(FrameHead.Size + prefix.PayloadLength);
        bool isNew = flow.Expect(prefix.Sequence, size);
        var buffer = new BulkBuffer(context.Pool, prefix.PayloadLength);
        bool handedOver = false;
        try
        {
            Memory<byte> rest = buffer.Writable;
            while (rest.Length > 0)
            {
                int read = await transport.ReceiveAsync(rest).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new EndOfStreamException($"the connection ended within frame {prefix.Sequence}");
                }

                heard = true;

                // Piece by piece, while it is in the cache.
                receiveHash.Append(rest.Span[..read]);
                context.Traffic.Received(0, read);
                rest = rest[read..];
            }

            ulong checksum = receiveHash.GetCurrentHashAsUInt64();
            receiveHash.Reset();
            if (checksum != prefix.PayloadChecksum)
            {
                throw new BulkProtocolException($"the checksum of the payload of frame {prefix.Sequence} does not match");
            }

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
