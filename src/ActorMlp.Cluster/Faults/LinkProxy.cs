using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Engine.Random;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Faults;

/// <summary>
/// A link that misbehaves as it is told: a TCP proxy that delays, loses, slows down, cuts, resets or corrupts what passes it, for networks whose kernel has no <c>netem</c>.
/// Connections go to one target, or, where iptables redirects them here, to wherever each was meant to go.
/// </summary>
/// <remarks>
/// <para>TCP promises bytes once and in order, so to duplicate or reorder them, or to lose them for good, is beyond any network between two TCP ends: those faults are for the
/// simulator's messages. A lost segment costs time (<see cref="LinkSchedule"/>). What a network can do to bytes is to change them such that TCP's 16-bit
/// checksum does not notice, which is <see cref="Corrupt"/>.</para>
/// <para>Not modelled: TCP's handshake, which the proxy answers at once even where the line is cut (the first byte takes its time), and the sender's congestion
/// window. After a cut, what was held arrives at once, where TCP's own timer would take up to as long again as the cut lasted.</para>
/// <para>Everything here may be called from any thread.</para>
/// </remarks>
public sealed class LinkProxy : IAsyncDisposable
{
    private readonly LinkProxyOptions options;
    private readonly ILogger log;
    private readonly Socket listener;
    private readonly LinkClock clock;
    private readonly CounterRandom random;
    private readonly LinkCorruption corruption;
    private readonly LinkLine lineOut;
    private readonly LinkLine lineBack;
    private readonly ConcurrentDictionary<LinkConnection, Task> connections = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private ulong accepted;

    private LinkProxy(LinkProxyOptions options, Socket listener, TimeProvider time, ILogger log)
    {
        this.options = options;
        this.listener = listener;
        this.log = log;
        clock = new LinkClock(time);
        random = new CounterRandom(options.Seed, RandomPurpose.Link);
        corruption = new LinkCorruption(random);
        lineOut = new LinkLine(LinkDirections.Out, options.Conditions);
        lineBack = new LinkLine(LinkDirections.Back, options.Conditions);
        Address = (IPEndPoint)listener.LocalEndPoint!;
        accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>What has passed it.</summary>
    public LinkTraffic Traffic => new(
        (long)Interlocked.Read(ref accepted),
        connections.Count,
        lineOut.BytesCarried,
        lineBack.BytesCarried,
        lineOut.SegmentsLost + lineBack.SegmentsLost,
        corruption.Done);

    /// <summary>Opens a link.</summary>
    /// <param name="options">How it is set up.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Hears of connections.</param>
    /// <exception cref="NodeException">The address is taken, packets may not be marked here, or the system cannot tell where redirected connections should go.</exception>
    /// <exception cref="ArgumentException">The conditions are out of their range.</exception>
    public static LinkProxy Start(LinkProxyOptions options, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Conditions.Problem is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }

        if (options is { Target: null } or { Mark: not null } && !OperatingSystem.IsLinux())
        {
            throw new NodeException("a link without a target, or with a mark, needs Linux and its packet filter");
        }

        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (options.Mark is { } mark)
            {
                // On the listener it does no harm, and whether it is allowed is known before anything depends on it.
                LinkConnection.Mark(listener, mark);
            }

            listener.Bind(options.Listen);
            listener.Listen();
            return new LinkProxy(options, listener, time, log);
        }
        catch (SocketException exception)
        {
            listener.Dispose();
            throw new NodeException(
                exception.SocketErrorCode == SocketError.AccessDenied && options.Mark is not null
                    ? "packets cannot be marked: that needs root (CAP_NET_ADMIN)"
                    : $"cannot listen at {options.Listen}: {exception.Message}",
                exception);
        }
    }

    /// <summary>What a direction is like now.</summary>
    /// <param name="direction">One direction.</param>
    public LinkConditions ConditionsOf(LinkDirections direction) => Line(direction).Conditions;

    /// <summary>Changes what directions are like, for all that is sent from now on; what is on its way arrives as it would have.</summary>
    /// <param name="directions">Which.</param>
    /// <param name="change">The conditions after those before.</param>
    /// <exception cref="ArgumentException">Something is out of its range.</exception>
    public void Change(LinkDirections directions, Func<LinkConditions, LinkConditions> change) => Each(directions, line => line.Change(change));

    /// <summary>Holds bytes, those on their way too, and new connections, until <see cref="Heal"/>; nobody is told.</summary>
    /// <param name="directions">Which.</param>
    public void Cut(LinkDirections directions) => Each(directions, line => line.Cut());

    /// <summary>Lets bytes pass that were held.</summary>
    /// <param name="directions">Which.</param>
    public void Heal(LinkDirections directions) => Each(directions, line => line.Heal());

    /// <summary>Breaks all connections with a reset (RST) to both sides.</summary>
    public void Reset()
    {
        foreach (LinkConnection connection in connections.Keys)
        {
            connection.Reset();
        }
    }

    /// <summary>Flips one bit, chosen by the seed, in one of the next chunks, once. A chunk is what was read at a time, up to 64 kB.</summary>
    /// <param name="chunk">Which of the next chunks, from 1.</param>
    /// <param name="directions">Chunks of which directions count.</param>
    public void Corrupt(int chunk, LinkDirections directions)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunk);
        corruption.Order(chunk, directions);
    }

    /// <summary>Takes no more connections and resets those that are there.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        Reset();
        await Task.WhenAll(connections.Values).ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Socket near = await listener.AcceptAsync(stop.Token).ConfigureAwait(false);
                Serve(near, Interlocked.Increment(ref accepted));
            }
            catch (SocketException exception) when (!stop.IsCancellationRequested)
            {
                log.LinkAcceptFailed(exception.Message);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private void Serve(Socket near, ulong number)
    {
        if ((options.Target ?? OriginalDestination.Of(near)) is not { } target)
        {
            log.LinkNotRedirected(near.RemoteEndPoint);
            near.Close(0);
            return;
        }

        var connection = new LinkConnection(near, options.Mark);
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connections[connection] = ServeAsync(connection, number, near.RemoteEndPoint, target, registered.Task);
        registered.SetResult();
    }

    private async Task ServeAsync(LinkConnection connection, ulong number, EndPoint? from, IPEndPoint target, Task registered)
    {
        await registered.ConfigureAwait(false);
        log.LinkConnected(number, from, target);
        try
        {
            await connection.CarryAsync(target, lineOut, lineBack, (source, sink, line, back) =>
                new LinkPipe(source, sink, line, back, new LinkSchedule(random, number, line.Direction), corruption, clock)).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            log.LinkTargetUnreachable(number, from, target, exception.Message);
            connection.Reset();
        }
        finally
        {
            connections.TryRemove(connection, out _);
            connection.Dispose();
        }
    }

    private LinkLine Line(LinkDirections direction) => direction switch
    {
        LinkDirections.Out => lineOut,
        LinkDirections.Back => lineBack,
        _ => throw new ArgumentOutOfRangeException(nameof(direction), direction, "expected one direction"),
    };

    private void Each(LinkDirections directions, Action<LinkLine> act)
    {
        foreach (LinkDirections direction in new[] { LinkDirections.Out, LinkDirections.Back }.Where(direction => directions.HasFlag(direction)))
        {
            act(Line(direction));
        }
    }
}
