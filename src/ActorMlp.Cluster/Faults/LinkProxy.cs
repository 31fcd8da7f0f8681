using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Nodes;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Faults;

/// <summary>Where a connection goes that a proxy accepted, and over which link.</summary>
/// <param name="Link">The link.</param>
/// <param name="Target">Its other end.</param>
public sealed record LinkRoute(Link Link, IPEndPoint Target);

/// <summary>
/// A TCP proxy: the place where links that misbehave come between two ends. All connections go over one link to one target, or, where iptables redirects them here, to wherever
/// each was meant to go; or each goes where a function says.
/// </summary>
public sealed class LinkProxy : IAsyncDisposable
{
    private readonly Socket listener;
    private readonly Func<Socket, LinkRoute?> route;
    private readonly int? mark;
    private readonly ILogger log;
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private Task? closing;

    private LinkProxy(Socket listener, Func<Socket, LinkRoute?> route, int? mark, ILogger log)
    {
        this.listener = listener;
        this.route = route;
        this.mark = mark;
        this.log = log;
        Address = (IPEndPoint)listener.LocalEndPoint!;
        accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Opens a proxy for one link.</summary>
    /// <param name="options">How it is set up.</param>
    /// <param name="link">The link; it stays the caller's, who disposes it after the proxy.</param>
    /// <param name="log">Hears of connections that go nowhere.</param>
    /// <exception cref="NodeException">The address is taken, packets may not be marked here, or the system cannot tell where redirected connections should go.</exception>
    public static LinkProxy Start(LinkProxyOptions options, Link link, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(link);
        if (options is { Target: null } or { Mark: not null } && !OperatingSystem.IsLinux())
        {
            throw new NodeException("a link without a target, or with a mark, needs Linux and its packet filter");
        }

        return Start(
            options.Listen,
            near => (options.Target ?? OriginalDestination.Of(near)) is { } target ? new LinkRoute(link, target) : null,
            options.Mark,
            log);
    }

    /// <summary>Opens a proxy whose connections go over several links.</summary>
    /// <param name="listen">Where it accepts them; port 0 for any free one.</param>
    /// <param name="route">Says where a connection goes; null closes it. Called one connection at a time.</param>
    /// <param name="log">Hears of connections that go nowhere.</param>
    /// <exception cref="NodeException">The address is taken.</exception>
    public static LinkProxy Start(IPEndPoint listen, Func<Socket, LinkRoute?> route, ILogger log) => Start(listen, route, null, log);

    /// <summary>Takes no more connections; those that are there go on, over their links.</summary>
    public ValueTask DisposeAsync() => new(closing ??= CloseAsync());

    private static LinkProxy Start(IPEndPoint listen, Func<Socket, LinkRoute?> route, int? mark, ILogger log)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (mark is { } value)
            {
                // On the listener it does no harm, and whether it is allowed is known before anything depends on it.
                LinkConnection.Mark(listener, value);
            }

            listener.Bind(listen);
            listener.Listen();
            return new LinkProxy(listener, route, mark, log);
        }
        catch (SocketException exception)
        {
            listener.Dispose();
            throw new NodeException(
                exception.SocketErrorCode == SocketError.AccessDenied && mark is not null
                    ? "packets cannot be marked: that needs root (CAP_NET_ADMIN)"
                    : $"cannot listen at {listen}: {exception.Message}",
                exception);
        }
    }

    private async Task CloseAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Route(await listener.AcceptAsync(stop.Token).ConfigureAwait(false));
            }
            catch (Exception exception) when (exception is SocketException or IOException && !stop.IsCancellationRequested)
            {
                log.LinkAcceptFailed(exception.Message);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private void Route(Socket near)
    {
        bool isCarried = false;
        try
        {
            if (route(near) is { } known)
            {
                known.Link.Carry(near, known.Target, mark);
                isCarried = true;
            }
            else
            {
                log.LinkNotRouted(near.RemoteEndPoint);
            }
        }
        finally
        {
            if (!isCarried)
            {
                near.Close(0);
            }
        }
    }
}
