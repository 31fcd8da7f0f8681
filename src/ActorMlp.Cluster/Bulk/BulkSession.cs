using System.Net;
using System.Security.Cryptography;
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
internal sealed class BulkSession : IAsyncDisposable
{
    private static readonly TimeSpan GoodbyePatience = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly BulkEndpointContext endpoint;
    private readonly string nodeId;
    private readonly ulong session = NewSession();
    private readonly TrafficCounters traffic;
    private readonly BulkDialler dialler;
    private FrameFlow flow;
    private BulkPeer peer;
    private ulong remoteSession;
    private int connections;
    private BulkConnection? current;
    private bool changing;
    private string? endedBy;

    public BulkSession(BulkEndpointContext endpoint, string nodeId, TrafficCounters traffic)
    {
        this.endpoint = endpoint;
        this.nodeId = nodeId;
        this.traffic = traffic;
        dialler = new BulkDialler(endpoint, nodeId, this);
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
                return endedBy is { } by ? throw new BulkDisconnectedException(nodeId, by) : flow;
            }
        }
    }

    /// <summary>Whether somebody should dial.</summary>
    public bool NeedsConnection
    {
        get
        {
            lock (gate)
            {
                return endedBy is null && !changing && current is null;
            }
        }
    }

    /// <summary>Whether there was a connection before.</summary>
    public bool WasConnected => Volatile.Read(ref connections) > 0;

    /// <summary>Dials the peer at <paramref name="address"/> from now on, whenever there is no connection.</summary>
    public void Dial(IPEndPoint address)
    {
        lock (gate)
        {
            if (endedBy is null)
            {
                dialler.Aim(address);
            }
        }
    }

    /// <summary>A beat of the endpoint's heart.</summary>
    public void Beat() => Volatile.Read(ref current)?.Beat();

    /// <summary>What this node says of itself when it dials.</summary>
    public BulkHello Hello() => Hello(connections);

    /// <summary>Takes a step of an attempt to dial, unless a connection from there has come first, or the session was ended.</summary>
    /// <param name="step">Done under the session's lock.</param>
    public bool TryAdvance(Action step)
    {
        lock (gate)
        {
            bool may = endedBy is null && !changing && current is null;
            if (may)
            {
                step();
            }

            return may;
        }
    }

    /// <summary>An attempt to dial is over.</summary>
    /// <param name="step">Done under the session's lock.</param>
    public void EndAttempt(Action step)
    {
        lock (gate)
        {
            step();
        }
    }

    /// <summary>The peer welcomed this node's connection: it becomes the session's, unless one from there has come first.</summary>
    /// <returns>The connection, to be carried by the calling thread; null if another has come first.</returns>
    public BulkConnection? Adopt(BulkTransport transport, BulkHello welcome)
    {
        if (!TryAdvance(() => changing = true))
        {
            return null;
        }

        try
        {
            return Establish(transport, Reconcile(welcome), welcome.Connections);
        }
        finally
        {
            EndChange();
        }
    }

    /// <summary>Takes a connection that the peer dialled, or refuses it.</summary>
    /// <param name="transport">The connection, after the peer's hello.</param>
    /// <param name="channel">The same, for messages.</param>
    /// <param name="hello">What the peer says.</param>
    /// <returns>The connection, to be carried by the calling thread; null if it was refused.</returns>
    public BulkConnection? Accept(BulkTransport transport, HandshakeChannel channel, BulkHello hello)
    {
        if (BeginAccepting(hello, out BulkConnection? old) is { } refusal)
        {
            endpoint.Log.ConnectionRefused(nodeId, transport.RemoteAddress, refusal);
            channel.Refuse(refusal, isTransient: true);
            return null;
        }

        try
        {
            if (old is not null)
            {
                old.Close("a newer connection takes its place");
                old.Ended.Wait();
            }

            int count = Math.Max(connections, hello.Connections) + 1;
            FrameFlow resumed = Reconcile(hello);
            channel.Write(HandshakeMessage.Welcome, Hello(count));
            return Establish(transport, resumed, count);
        }
        finally
        {
            EndChange();
        }
    }

    /// <summary>Carries frames over a connection of this session until it ends, and tells those who care.</summary>
    public void Carry(BulkConnection connection, string direction)
    {
        traffic.Connected();
        endpoint.Log.PeerConnected(connection.Peer, direction);
        endpoint.Observer.Connected(connection.Peer);
        string reason = connection.Carry();
        bool final;
        lock (gate)
        {
            current = null;
            final = endedBy is not null || connection.PeerSaidGoodbye;
        }

        if (final)
        {
            endpoint.Log.PeerDisconnected(connection.Peer, reason);
        }
        else
        {
            endpoint.Log.PeerLost(connection.Peer, reason);
        }

        endpoint.Observer.Lost(connection.Peer, reason, final);
        connection.SetEnded();
        if (connection.PeerSaidGoodbye)
        {
            endpoint.Forget(this, nodeId);
        }

        dialler.Wake();
    }

    /// <summary>Ends the session: says goodbye, closes, and fails what waits.</summary>
    /// <param name="by">Who ends it.</param>
    public async Task EndAsync(string by)
    {
        BulkConnection? connection;
        lock (gate)
        {
            if (endedBy is not null)
            {
                return;
            }

            endedBy = by;
            connection = current;
        }

        if (connection is not null)
        {
            connection.SayGoodbye();
            try
            {
                await connection.Ended.WaitAsync(GoodbyePatience, endpoint.Time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The peer does not answer; the connection is closed all the same.
                connection.Close($"ended by {by}");
                await connection.Ended.ConfigureAwait(false);
            }
        }

        await dialler.DisposeAsync().ConfigureAwait(false);
        flow.FailAll(new BulkDisconnectedException(nodeId, by));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(EndAsync("this node"));

    private string? BeginAccepting(BulkHello hello, out BulkConnection? old)
    {
        lock (gate)
        {
            old = current;
            bool mineIsKept = dialler.ShakesHands && string.CompareOrdinal(endpoint.Options.NodeId, nodeId) < 0;
            bool late = current is not null && hello.Session == remoteSession && hello.Connections < connections;
            string? refusal = (endedBy, changing, mineIsKept, late) switch
            {
                (not null, _, _, _) => "the session was ended",
                (_, true, _, _) => "another connection is being made",
                (_, _, true, _) => "both dialled at once, and the other connection is kept",
                (_, _, _, true) => "a newer connection stands",
                _ => null,
            };
            if (refusal is null)
            {
                changing = true;
                dialler.CancelAttempt();
            }

            return refusal;
        }
    }

    private void EndChange()
    {
        lock (gate)
        {
            changing = false;
        }

        dialler.Wake();
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

    private BulkConnection Establish(BulkTransport transport, FrameFlow resumed, int count)
    {
        lock (gate)
        {
            if (endedBy is not null)
            {
                throw new HandshakeException("the session was ended", isTransient: true);
            }

            if (peer.Session != remoteSession)
            {
                peer = new BulkPeer(nodeId, remoteSession, transport.RemoteAddress);
            }

            connections = count;
            var context = new BulkConnectionContext(endpoint.Options, peer, endpoint.Sink, endpoint.Pool, traffic, endpoint.Log);
            return current = new BulkConnection(transport, resumed, context);
        }
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
