using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Bulk.Handshakes;
using ActorMlp.Cluster.Bulk.Transports;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// A node's end of the bulk plane: listens, keeps one connection with each peer, sends frames and delivers those that come. Each frame is
/// delivered exactly once and in order within a session, whatever happens to connections; frames of <see cref="BulkKind.Gradient"/> and
/// <see cref="BulkKind.Weights"/> overtake others that wait, so order holds within each of these two groups.
/// </summary>
public sealed class BulkEndpoint : IAsyncDisposable
{
    private readonly BulkEndpointContext context;
    private readonly Socket listener;
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationToken stopping;
    private readonly ConcurrentDictionary<string, BulkSession> sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TrafficCounters> traffic = new(StringComparer.Ordinal);
    private readonly ITimer heart;
    private readonly Task accepting;
    private int pendingHandshakes;
    private int disposed;

    private BulkEndpoint(Socket listener, BulkOptions options, IBulkSink sink, IBulkObserver observer, TimeProvider time, ILogger log)
    {
        this.listener = listener;
        stopping = stop.Token;
        context = new BulkEndpointContext(options, sink, observer, new BulkBufferPool(options.PooledBytes), time, log, Forget);
        Address = (IPEndPoint)listener.LocalEndPoint!;
        heart = time.CreateTimer(_ => Beat(), null, options.HeartbeatInterval, options.HeartbeatInterval);
        accepting = Task.Run(AcceptAsync);
        log.Listening(Address, options.Security.Name);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>What went to and came from each node.</summary>
    public IReadOnlyList<BulkTraffic> Traffic => [.. traffic.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.Read())];

    /// <summary>Listens and begins.</summary>
    /// <param name="options">How it behaves.</param>
    /// <param name="listenAt">Address to listen at; port 0 lets the system choose.</param>
    /// <param name="sink">Takes frames.</param>
    /// <param name="observer">Hears of connections.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where it logs.</param>
    /// <exception cref="ArgumentException">The options are wrong; the message has all there is to say.</exception>
    /// <exception cref="SocketException">The address cannot be listened at.</exception>
    public static BulkEndpoint Start(BulkOptions options, IPEndPoint listenAt, IBulkSink sink, IBulkObserver observer, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(listenAt);
        if (options.Problems() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        }

        var listener = new Socket(listenAt.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(listenAt);
            listener.Listen();
            return new BulkEndpoint(listener, options, sink, observer, time, log);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Keeps a connection with a node, dialled here unless the node dials. Called again, it changes the address for later attempts.</summary>
    /// <param name="nodeId">The node's name.</param>
    /// <param name="address">Where it listens.</param>
    public void Connect(string nodeId, IPEndPoint address)
    {
        ArgumentException.ThrowIfNullOrEmpty(nodeId);
        ArgumentNullException.ThrowIfNull(address);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref disposed) != 0, this);
        if (nodeId == context.Options.NodeId)
        {
            throw new ArgumentException($"{nodeId} is this node itself", nameof(nodeId));
        }

        Session(nodeId).Dial(address);
    }

    /// <summary>
    /// Sends a frame to a node that was connected with, now or as soon as there is a connection and credit. The payload is not copied: it must stay
    /// as it is until the returned task is done.
    /// </summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="header">What the frame is.</param>
    /// <param name="payload">The bytes.</param>
    /// <returns>Done when the peer has the frame or it was dropped; faults with <see cref="BulkException"/>. To be awaited at most once.</returns>
    /// <exception cref="ArgumentException">The frame is larger than allowed.</exception>
    public ValueTask<BulkDelivery> Send(string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload) => Send(nodeId, header, payload, default(ReadOnlyMemory<ReadOnlyMemory<byte>>));

    /// <summary>Sends a frame whose payload lies in several places; see <see cref="Send(string, in BulkHeader, ReadOnlyMemory{byte})"/>.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="header">What the frame is.</param>
    /// <param name="payload">The first part.</param>
    /// <param name="furtherParts">The other parts, in order.</param>
    public ValueTask<BulkDelivery> Send(string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload, ReadOnlyMemory<ReadOnlyMemory<byte>> furtherParts)
    {
        try
        {
            PendingFrame frame = Flow(nodeId).Enqueue(header, payload, furtherParts, null, null, out short version);
            return new ValueTask<BulkDelivery>(frame, version);
        }
        catch (BulkException exception)
        {
            return ValueTask.FromException<BulkDelivery>(exception);
        }
    }

    /// <summary>Sends a frame and calls back: no task, no change of threads. See <see cref="Send(string, in BulkHeader, ReadOnlyMemory{byte})"/>.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="header">What the frame is.</param>
    /// <param name="payload">The bytes.</param>
    /// <param name="whenDone">Called once, on any thread, with <paramref name="state"/> and either how it ended or why it failed. It must not block or throw.</param>
    /// <param name="state">Passed on.</param>
    public void Send(string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload, Action<object?, BulkDelivery, Exception?> whenDone, object? state)
    {
        ArgumentNullException.ThrowIfNull(whenDone);
        try
        {
            Flow(nodeId).Enqueue(header, payload, default, whenDone, state, out _);
        }
        catch (BulkException exception)
        {
            whenDone(state, default, exception);
        }
    }

    /// <summary>Drops frames, to whatever node, of which no byte was sent yet. They end as <see cref="BulkDelivery.Dropped"/>.</summary>
    /// <param name="predicate">Which; called under a lock, so it must do nothing but look.</param>
    /// <returns>How many.</returns>
    public int Drop(Func<BulkHeader, bool> predicate)
    {
        int dropped = 0;
        foreach (BulkSession session in sessions.Values)
        {
            try
            {
                dropped += session.Flow.Drop(predicate);
            }
            catch (BulkDisconnectedException)
            {
                // Ended in this moment; its frames fail.
            }
        }

        return dropped;
    }

    /// <summary>Ends the session with a node on both ends; frames that wait fail with <see cref="BulkDisconnectedException"/>. To connect again begins a new one.</summary>
    public async Task DisconnectAsync(string nodeId)
    {
        if (sessions.TryRemove(nodeId, out BulkSession? session))
        {
            await session.EndAsync("this node").ConfigureAwait(false);
        }
    }

    /// <summary>Disconnects from all, and stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            return;
        }

        await stop.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        await heart.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(sessions.Keys.Select(DisconnectAsync)).ConfigureAwait(false);
        stop.Dispose();
    }

    private FrameFlow Flow(string nodeId) => sessions.TryGetValue(nodeId, out BulkSession? session)
        ? session.Flow
        : throw new BulkException($"{nodeId} is not connected, and nobody asked for it");

    private BulkSession Session(string nodeId) => sessions.GetOrAdd(
        nodeId,
        static (id, self) => new BulkSession(self.context, id, self.traffic.GetOrAdd(id, static name => new TrafficCounters(name))),
        this);

    private void Beat()
    {
        foreach (BulkSession session in sessions.Values)
        {
            session.Beat();
        }
    }

    private void Forget(BulkSession session, string nodeId)
    {
        sessions.TryRemove(new KeyValuePair<string, BulkSession>(nodeId, session));
        _ = session.EndAsync("its other end");
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Socket socket = await listener.AcceptAsync(stopping).ConfigureAwait(false);
                if (Interlocked.Increment(ref pendingHandshakes) > context.Options.MaxPendingHandshakes)
                {
                    Interlocked.Decrement(ref pendingHandshakes);
                    context.Log.HandshakeFailed(socket.RemoteEndPoint, $"{context.Options.MaxPendingHandshakes} others are in their handshake");
                    socket.Dispose();
                    continue;
                }

                BulkThreads.Start("bulk accepted", () => Welcome(socket));
            }
            catch (Exception exception) when (stopping.IsCancellationRequested && exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException exception)
            {
                // A connection that was reset before it could be accepted, or too many open files: the next may be well.
                context.Log.AcceptFailed(exception);
                await Task.Yield();
            }
        }
    }

    private void Welcome(Socket socket)
    {
        BulkSession? session = null;
        BulkConnection? connection = null;
        EndPoint? remoteAddress = null;
        using (var limit = new CancellationTokenSource(context.Options.HandshakeTimeout, context.Time))
        using (stopping.Register(() => SocketEnd.Close(socket)))
        {
            try
            {
                using (limit.Token.Register(() => SocketEnd.Close(socket)))
                {
                    remoteAddress = socket.RemoteEndPoint;
                    BulkTransport transport = BulkHandshake.Secure(socket, context.Options.Security, dialled: false);
                    var channel = new HandshakeChannel(transport);
                    BulkHello hello = BulkHandshake.Accept(channel, context.Options.Security, context.Options.NodeId);
                    session = Session(hello.NodeId);
                    connection = session.Accept(transport, channel, hello);
                }
            }
#pragma warning disable CA1031 // Whatever a stranger causes is the end of this connection, and of nothing else.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!stopping.IsCancellationRequested)
                {
                    context.Log.HandshakeFailed(remoteAddress, BulkHandshake.Describe(exception, limit.IsCancellationRequested ? context.Options.HandshakeTimeout : null));
                }
            }
        }

        Interlocked.Decrement(ref pendingHandshakes);
        if (connection is not null)
        {
            session!.Carry(connection, "dialled from there");
        }
        else
        {
            SocketEnd.Close(socket);
        }
    }
}
