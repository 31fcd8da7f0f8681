using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cluster.Faults;

/// <summary>A connection through a link: the one that was accepted, and the one to its target.</summary>
internal sealed class LinkConnection : IDisposable
{
    private const int LinuxSocketLevel = 1;
    private const int LinuxMark = 36;

    private readonly Socket near;
    private readonly Socket far = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    // Never disposed: it has no timer and no handle to free, and a reset may come at any time.
    private readonly CancellationTokenSource over = new();

    /// <param name="near">The connection that was accepted; it belongs to this one from now on.</param>
    /// <param name="mark">A mark for packets to the target; null for none.</param>
    public LinkConnection(Socket near, int? mark)
    {
        this.near = near;
        near.NoDelay = true;
        far.NoDelay = true;
        if (mark is { } value)
        {
            Mark(far, value);
        }
    }

    /// <summary>Marks the packets of a socket.</summary>
    /// <exception cref="SocketException">The process may not.</exception>
    public static void Mark(Socket socket, int mark) => socket.SetRawSocketOption(LinuxSocketLevel, LinuxMark, BitConverter.GetBytes(mark));

    /// <summary>Carries bytes both ways until both are through, or either breaks.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="lineOut">The line to the target.</param>
    /// <param name="lineBack">The line back.</param>
    /// <param name="clock">The link's time.</param>
    /// <param name="pipeBetween">Makes a pipe from one socket to the other over the first line, whose other direction is the second.</param>
    /// <exception cref="SocketException">The target cannot be reached.</exception>
    public async Task CarryAsync(IPEndPoint target, LinkLine lineOut, LinkLine lineBack, LinkClock clock, Func<Socket, Socket, LinkLine, LinkLine, LinkPipe> pipeBetween)
    {
        CancellationToken cancellation = over.Token;
        try
        {
            await clock.UntilAsync(lineOut.StalledUntil, cancellation).ConfigureAwait(false);
            await clock.UntilAsync(lineBack.StalledUntil, cancellation).ConfigureAwait(false);
            await Task.WhenAll(lineOut.Open, lineBack.Open).WaitAsync(cancellation).ConfigureAwait(false);
            await far.ConnectAsync(target, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // Reset before it was made.
            return;
        }

        await Task.WhenAll(
            pipeBetween(near, far, lineOut, lineBack).CarryAsync(Reset, cancellation),
            pipeBetween(far, near, lineBack, lineOut).CarryAsync(Reset, cancellation)).ConfigureAwait(false);
    }

    /// <summary>Breaks the connection with a reset (RST) to both sides.</summary>
    public void Reset()
    {
        over.Cancel();
        near.Close(0);
        far.Close(0);
    }

    public void Dispose()
    {
        near.Dispose();
        far.Dispose();
    }
}
