using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Engine.Random;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Faults;

/// <summary>
/// A link that misbehaves as it is told, for networks whose kernel has no <c>netem</c>: it delays, loses, slows down, cuts, breaks or corrupts the TCP connections that it carries.
/// </summary>
/// <remarks>
/// <para>TCP promises bytes once and in order, so to duplicate or reorder them, or to lose them for good, is beyond any network between two TCP ends: what comes of such
/// segments is that the connection stalls, or ends (<see cref="LinkConditions.Breaks"/>). A lost segment costs time (<see cref="LinkSchedule"/>). What a network can do to bytes
/// is to change them such that TCP's 16-bit checksum does not notice, which is <see cref="Corrupt(LinkCorruptionOrder)"/>.</para>
/// <para>Not modelled: TCP's handshake, which is answered at once even where the line is cut (the first byte takes its time), and the sender's congestion
/// window. After a cut, what was held arrives at once, where TCP's own timer would take up to as long again as the cut lasted.</para>
/// <para>Everything here may be called from any thread.</para>
/// </remarks>
public sealed class Link : IAsyncDisposable
{
    private readonly ILogger log;
    private readonly LinkClock clock;
    private readonly CounterRandom random;
    private readonly LinkCorruption corruption;
    private readonly LinkLine lineOut;
    private readonly LinkLine lineBack;
    private readonly ConcurrentDictionary<LinkConnection, Task> connections = [];
    private ulong accepted;

    /// <summary>A link without connections.</summary>
    /// <param name="seed">Decides which segments are lost, which chunks break their connection, how jitter falls, and which bit is flipped.</param>
    /// <param name="conditions">What either direction is like at first.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Hears of connections.</param>
    /// <exception cref="ArgumentException">The conditions are out of their range.</exception>
    public Link(ulong seed, LinkConditions conditions, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        if (conditions.Problem is { } problem)
        {
            throw new ArgumentException(problem, nameof(conditions));
        }

        this.log = log;
        clock = new LinkClock(time);
        random = new CounterRandom(seed, RandomPurpose.Link);
        corruption = new LinkCorruption(random);
        lineOut = new LinkLine(LinkDirections.Out, conditions);
        lineBack = new LinkLine(LinkDirections.Back, conditions);
    }

    /// <summary>What has passed it.</summary>
    public LinkTraffic Traffic => new(
        (long)Interlocked.Read(ref accepted),
        connections.Count,
        lineOut.BytesCarried,
        lineBack.BytesCarried,
        lineOut.SegmentsLost + lineBack.SegmentsLost,
        corruption.Done,
        lineOut.Broken + lineBack.Broken);

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
    /// <param name="order">Which chunk; several links may have one order, and the first of them to come to it does it. It replaces an order that waits.</param>
    public void Corrupt(LinkCorruptionOrder order) => corruption.Order(order);

    /// <summary>Carries a connection from now on; it belongs to the link.</summary>
    /// <param name="near">The connection as it was accepted.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="mark">A mark for packets to the target; null for none.</param>
    public void Carry(Socket near, IPEndPoint target, int? mark)
    {
        ArgumentNullException.ThrowIfNull(near);
        ulong number = Interlocked.Increment(ref accepted);
        var connection = new LinkConnection(near, mark);
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connections[connection] = CarryAsync(connection, number, near.RemoteEndPoint, target, registered.Task);
        registered.SetResult();
    }

    /// <summary>Resets all connections, and waits until they are gone.</summary>
    public async ValueTask DisposeAsync()
    {
        Reset();
        await Task.WhenAll(connections.Values).ConfigureAwait(false);
    }

    private async Task CarryAsync(LinkConnection connection, ulong number, EndPoint? from, IPEndPoint target, Task registered)
    {
        await registered.ConfigureAwait(false);
        log.LinkConnected(number, from, target);
        try
        {
            await connection.CarryAsync(target, lineOut, lineBack, clock, (source, sink, line, back) =>
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
