using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ActorMlp.Cluster.Bulk.Handshakes;
using ActorMlp.Cluster.Bulk.Transports;

namespace ActorMlp.Cluster.Bulk;

/// <summary>Dials a peer whenever its session needs a connection, with a wait that doubles from one failure to the next.</summary>
internal sealed class BulkDialler(BulkEndpointContext endpoint, string nodeId, BulkSession session) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private CancellationTokenSource? attempt;
    private IPEndPoint? address;
    private Task? loop;

    /// <summary>Whether an attempt reached the peer and is in its handshake; under the session's lock.</summary>
    public bool ShakesHands { get; private set; }

    /// <summary>Dials at an address from now on; under the session's lock.</summary>
    public void Aim(IPEndPoint at)
    {
        Volatile.Write(ref address, at);
        loop ??= Task.Run(KeepDiallingAsync);
        Wake();
    }

    /// <summary>Looks again whether a connection is needed.</summary>
    public void Wake() => wake.Writer.TryWrite(true);

    /// <summary>Gives the attempt up that is being made; under the session's lock.</summary>
    public void CancelAttempt() => _ = attempt?.CancelAsync();

    /// <summary>Stops for good.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await (loop ?? Task.CompletedTask).ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task KeepDiallingAsync()
    {
        int failures = 0;
        bool again = false;
        try
        {
            while (true)
            {
                if (!session.NeedsConnection)
                {
                    await wake.Reader.ReadAsync(stop.Token).ConfigureAwait(false);
                    continue;
                }

                if (again || session.WasConnected)
                {
                    await Task.Delay(Wait(failures), endpoint.Time, stop.Token).ConfigureAwait(false);
                }

                IPEndPoint at = Volatile.Read(ref address)!;
                HandshakeException? failure = await DialOnThreadAsync(at).ConfigureAwait(false);
                stop.Token.ThrowIfCancellationRequested();
                again = failure is not null;
                if (failure is { IsRefused: true } && session.WasConnected)
                {
                    endpoint.Observer.Refused(nodeId);
                }

                if (failure is null)
                {
                    failures = 0;
                }
                else if (failure.IsTransient)
                {
                    endpoint.Log.AttemptFailed(failures, nodeId, at, failure.Message);
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
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The session was ended.
        }
    }

    private TimeSpan Wait(int failures)
    {
        double doubled = endpoint.Options.ReconnectDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 20));
        return TimeSpan.FromMilliseconds(Math.Min(doubled, endpoint.Options.MaxReconnectDelay.TotalMilliseconds));
    }

    /// <summary>One attempt, on a thread of its own, which then carries the connection.</summary>
    /// <returns>Why it failed; null if it need not be made any more.</returns>
    private Task<HandshakeException?> DialOnThreadAsync(IPEndPoint at)
    {
        var outcome = new TaskCompletionSource<HandshakeException?>(TaskCreationOptions.RunContinuationsAsynchronously);
        BulkThreads.Start($"bulk from {nodeId}", () =>
        {
            BulkConnection? connection = null;
            HandshakeException? failure = null;
            try
            {
                connection = DialOnce(at);
            }
            catch (HandshakeException exception)
            {
                failure = exception;
            }

            outcome.SetResult(failure);
            if (connection is not null)
            {
                session.Carry(connection, "dialled from here");
            }
        });
        return outcome.Task;
    }

    private BulkConnection? DialOnce(IPEndPoint at)
    {
        TimeSpan patience = endpoint.Options.HandshakeTimeout;
        using var limit = new CancellationTokenSource(patience, endpoint.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, limit.Token);
        if (!session.TryAdvance(() => attempt = both))
        {
            return null;
        }

        BulkConnection? connection = null;
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using (both.Token.Register(() => SocketEnd.Close(socket)))
            {
                socket.Connect(at);
                if (!session.TryAdvance(() => ShakesHands = true))
                {
                    return null;
                }

                limit.CancelAfter(patience);
                BulkTransport transport = BulkHandshake.Secure(socket, endpoint.Options.Security, dialled: true);
                BulkHello welcome = BulkHandshake.Dial(new HandshakeChannel(transport), endpoint.Options.Security, session.Hello());
                connection = session.Adopt(transport, welcome);
            }

            // The time may have run out in just this moment, and closed the socket: then the connection ends at once and is made again.
            return connection;
        }
#pragma warning disable CA1031 // Whatever goes wrong with an attempt is why it failed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (limit.IsCancellationRequested)
            {
                throw new HandshakeException($"no answer within {patience.TotalSeconds:0.#} s");
            }

            return both.IsCancellationRequested
                ? null
                : throw new HandshakeException(BulkHandshake.Describe(exception, null), exception is HandshakeException { IsTransient: true }, exception is SocketException { SocketErrorCode: SocketError.ConnectionRefused });
        }
        finally
        {
            session.EndAttempt(() =>
            {
                attempt = null;
                ShakesHands = false;
            });
            if (connection is null)
            {
                SocketEnd.Close(socket);
            }
        }
    }
}
