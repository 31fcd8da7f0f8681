using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading.Channels;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Bulk.Handshakes;
using ActorMlp.Cluster.Bulk.Transports;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// What this node has with one peer: at most one connection at a time, dialled from here or from there, made again when it breaks, and the
/// <see cref="FrameFlow"/> that outlives it.
/// </summary>
/// <remarks>
/// When both dial at once, the connection that the node with the smaller name dialled is kept: that node refuses the other's while its own is in its
/// handshake, and the other gives its own up. A dialler that has seen fewer connections than stand already is late, and is refused too;
/// any other takes the place of the connection that stands, as its dialler knows that one to be broken.
/// </remarks>
internal sealed class BulkSession : IDisposable
{
    private static readonly TimeSpan GoodbyePatience = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly BulkEndpointContext endpoint;
    private readonly string nodeId;
    private readonly ulong session = NewSession();
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TrafficCounters traffic;
    private FrameFlow flow;
    private BulkPeer peer;
    private ulong remoteSession;
    private int connections;
    private BulkConnection? current;
    private Task currentRun = Task.CompletedTask;
    private bool changing;
    private CancellationTokenSource? dial;
    private bool dialShakesHands;
    private IPEndPoint? address;
    private Task? dialling;
    private bool closed;
    private string endedBy = "this node";

    public BulkSession(BulkEndpointContext endpoint, string nodeId, TrafficCounters traffic)
    {
        this.endpoint = endpoint;
        this.nodeId = nodeId;
        this.traffic = traffic;
        peer = new BulkPeer(nodeId, 0, null);
        flow = NewFlow();
    }

    /// <summary>Where frames to the peer go.</summary>
    /// <exception cref="BulkDisconnectedException">The session was ended.</exception>
    public FrameFlow Flow
    {
        get
        {
            lock (gate)
            {
                return closed ? throw new BulkDisconnectedException(nodeId, endedBy) : flow;
            }
        }
    }

    /// <summary>Dials the peer at <paramref name="at"/> from now on, whenever there is no connection.</summary>
    public void Dial(IPEndPoint at)
    {
        lock (gate)
        {
            if (closed)
            {
                return;
            }

            address = at;
            dialling ??= Task.Run(KeepDiallingAsync);
        }

        wake.Writer.TryWrite(true);
    }

    /// <summary>A beat of the endpoint's heart.</summary>
    public void Beat() => Volatile.Read(ref current)?.Beat();

    /// <summary>Takes a connection that the peer dialled, or refuses it.</summary>
    /// <param name="transport">The connection, up to the peer's hello; closed if it is refused.</param>
    /// <param name="channel">The same, for messages.</param>
    /// <param name="hello">What the peer says.</param>
    public async Task AcceptAsync(BulkTransport transport, HandshakeChannel channel, BulkHello hello)
    {
        string? refusal;
        BulkConnection? old;
        lock (gate)
        {
            bool mineIsKept = dialShakesHands && string.CompareOrdinal(endpoint.Options.NodeId, nodeId) < 0;
            bool late = current is not null && hello.Session == remoteSession && hello.Connections < connections;
            refusal = (closed, changing, mineIsKept, late) switch
            {
                (true, _, _, _) => "the session was ended",
                (_, true, _, _) => "another connection is being made",
                (_, _, true, _) => "both dialled at once, and the other connection is kept",
                (_, _, _, true) => "a newer connection stands",
                _ => null,
            };
            old = current;
            if (refusal is null)
            {
                changing = true;
                _ = dial?.CancelAsync();
            }
        }

        if (refusal is not null)
        {
            endpoint.Log.ConnectionRefused(nodeId, transport.RemoteAddress, refusal);
            await channel.RefuseAsync(refusal, isTransient: true).ConfigureAwait(false);
            transport.Dispose();
            return;
        }

        try
        {
            if (old is not null)
            {
                old.Close("a newer connection takes its place");
                await currentRun.ConfigureAwait(false);
            }

            int count = Math.Max(connections, hello.Connections) + 1;
            FrameFlow resumed = Reconcile(hello);
            await channel.WriteAsync(HandshakeMessage.Welcome, Hello(count)).ConfigureAwait(false);
            Establish(transport, resumed, count, "dialled from there");
        }
        catch
        {
            transport.Dispose();
            throw;
        }
        finally
        {
            lock (gate)
            {
                changing = false;
            }

            wake.Writer.TryWrite(true);
        }
    }

    /// <summary>Ends the session: says goodbye, closes, and fails what waits.</summary>
    /// <param name="by">Who ends it.</param>
    public async Task EndAsync(string by)
    {
        BulkConnection? connection;
        Task running;
        lock (gate)
        {
            if (closed)
            {
                return;
            }

            closed = true;
            endedBy = by;
            connection = current;
            running = currentRun;
        }

        await stop.CancelAsync().ConfigureAwait(false);
        if (connection is not null)
        {
            connection.SayGoodbye();
            try
            {
                await running.WaitAsync(GoodbyePatience, endpoint.Time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The peer does not answer; the connection is closed all the same.
            }

            connection.Close($"ended by {by}");
            await running.ConfigureAwait(false);
        }

        await (dialling ?? Task.CompletedTask).ConfigureAwait(false);
        flow.FailAll(new BulkDisconnectedException(nodeId, by));
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    private async Task KeepDiallingAsync()
    {
        int failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (!NeedsConnection(out IPEndPoint at))
                {
                    await wake.Reader.ReadAsync(stop.Token).ConfigureAwait(false);
                    continue;
                }

                if (failures > 0 || connections > 0)
                {
                    double wait = Math.Min(endpoint.Options.ReconnectDelay.TotalMilliseconds * Math.Pow(2, failures), endpoint.Options.MaxReconnectDelay.TotalMilliseconds);
                    await Task.Delay(TimeSpan.FromMilliseconds(wait), endpoint.Time, stop.Token).ConfigureAwait(false);
                }

                HandshakeException? failure = await DialOnceAsync(at).ConfigureAwait(false);
                if (failure is null)
                {
                    failures = 0;
                }
                else if (failure.IsTransient)
                {
                    endpoint.Log.AttemptFailed(failures, nodeId, at, failure.Message);
                    await Task.Delay(endpoint.Options.ReconnectDelay, endpoint.Time, stop.Token).ConfigureAwait(false);
                }
                else if (failures++ == 0)
                {
                    endpoint.Log.PeerUnreachable(nodeId, at, failure.Message);
                }
                else
                {
                    endpoint.Log.AttemptFailed(failures, nodeId, at, failure.Message);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private bool NeedsConnection(out IPEndPoint at)
    {
        lock (gate)
        {
            at = address!;
            return !closed && !changing && current is null;
        }
    }

    /// <summary>One attempt.</summary>
    /// <returns>Why it failed; null if it need not be made any more.</returns>
    private async Task<HandshakeException?> DialOnceAsync(IPEndPoint at)
    {
        using var limit = new CancellationTokenSource(endpoint.Options.HandshakeTimeout, endpoint.Time);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, limit.Token);
        BulkTransport? transport = null;
        Socket? socket = null;
        try
        {
            Advance(() => dial = attempt);
            socket = await ConnectAsync(at, attempt.Token).ConfigureAwait(false);
            Advance(() => dialShakesHands = true);
            limit.CancelAfter(endpoint.Options.HandshakeTimeout);
            transport = await BulkHandshake.SecureAsync(socket, endpoint.Options.Security, dialled: true, attempt.Token).ConfigureAwait(false);
            BulkHello welcome;
            await using (attempt.Token.Register(transport.Dispose).ConfigureAwait(false))
            {
                welcome = await BulkHandshake.DialAsync(new HandshakeChannel(transport), endpoint.Options.Security, Hello(connections)).ConfigureAwait(false);
            }

            Advance(() => changing = true);
            try
            {
                Establish(transport, Reconcile(welcome), welcome.Connections, "dialled from here");
            }
            finally
            {
                lock (gate)
                {
                    changing = false;
                }
            }

            return null;
        }
#pragma warning disable CA1031 // Whatever goes wrong with an attempt is why it failed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            transport?.Dispose();
            socket?.Dispose();
            bool late = limit.IsCancellationRequested && !stop.IsCancellationRequested;
            return exception switch
            {
                _ when late => new HandshakeException($"no answer within {endpoint.Options.HandshakeTimeout.TotalSeconds:0.#} s"),
                _ when attempt.IsCancellationRequested || exception is OperationCanceledException => null,
                _ => new HandshakeException(BulkHandshake.Describe(exception, null), exception is HandshakeException { IsTransient: true }),
            };
        }
        finally
        {
            lock (gate)
            {
                dial = null;
                dialShakesHands = false;
            }
        }

        // Whoever dials from there while this goes on may be taken instead: then the attempt ends at its next step.
        void Advance(Action step)
        {
            lock (gate)
            {
                if (closed || changing || current is not null)
                {
                    throw new OperationCanceledException();
                }

                step();
            }
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint at, CancellationToken cancel)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(at, cancel).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private BulkHello Hello(int count)
    {
        lock (gate)
        {
            FlowMarks marks = flow.Marks;
            return new BulkHello
            {
                NodeId = endpoint.Options.NodeId,
                TargetNodeId = nodeId,
                Session = session,
                RemoteSession = remoteSession,
                Connections = count,
                Acknowledged = marks.Acknowledged,
                Released = marks.Released,
                WindowBytes = endpoint.Options.WindowBytes,
                MaxFrameBytes = endpoint.Options.MaxFrameBytes,
            };
        }
    }

    /// <summary>Takes in what the peer says of itself; no connection stands. If it is in another session than before, all that waits for it fails.</summary>
    private FrameFlow Reconcile(BulkHello hello)
    {
        FrameFlow? abandoned = null;
        FrameFlow resumed;
        lock (gate)
        {
            if (closed)
            {
                throw new HandshakeException("the session was ended");
            }

            if (remoteSession != 0 && remoteSession != hello.Session)
            {
                abandoned = flow;
                flow = NewFlow();
                connections = 0;
            }

            remoteSession = hello.Session;
            resumed = flow;
        }

        abandoned?.FailAll(new BulkPeerRestartedException(nodeId));

        // What it received of another session of this node says nothing about this one.
        FlowMarks marks = hello.RemoteSession == session ? new FlowMarks(hello.Acknowledged, hello.Released) : default;
        resumed.Resume(marks, hello.WindowBytes, hello.MaxFrameBytes);
        return resumed;
    }

    private void Establish(BulkTransport transport, FrameFlow resumed, int count, string direction)
    {
        BulkConnection connection;
        lock (gate)
        {
            if (closed)
            {
                throw new HandshakeException("the session was ended");
            }

            if (peer.Session != remoteSession)
            {
                peer = new BulkPeer(nodeId, remoteSession, transport.RemoteAddress);
            }

            connections = count;
            connection = new BulkConnection(transport, resumed, new BulkConnectionContext(endpoint.Options, peer, endpoint.Sink, endpoint.Pool, traffic, endpoint.Log));
            current = connection;
            currentRun = CarryAsync(connection, peer, direction);
        }
    }

    private async Task CarryAsync(BulkConnection connection, BulkPeer with, string direction)
    {
        // Off the lock: from here on the outside world is told.
        await Task.Yield();
        traffic.Connected();
        endpoint.Log.PeerConnected(with, direction);
        endpoint.Observer.Connected(with);
        string reason = await connection.RunAsync().ConfigureAwait(false);
        bool final;
        lock (gate)
        {
            current = null;
            final = closed || connection.PeerSaidGoodbye;
        }

        if (final)
        {
            endpoint.Log.PeerDisconnected(with, reason);
        }
        else
        {
            endpoint.Log.PeerLost(with, reason);
        }

        if (connection.PeerSaidGoodbye)
        {
            // Not awaited: ending waits for this connection to be done.
            _ = endpoint.Forget(this, nodeId);
        }

        endpoint.Observer.Lost(with, reason, final);
        wake.Writer.TryWrite(true);
    }

    private FrameFlow NewFlow() => new(nodeId, endpoint.Options, () => Volatile.Read(ref current)?.Kick());

    private static ulong NewSession()
    {
        ulong value;
        do
        {
            value = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        }
        while (value == 0);
        return value;
    }
}
