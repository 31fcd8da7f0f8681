using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cluster.Tests.Bulk;

/// <summary>Stands between two endpoints and does to their connection what networks do: cuts it, stalls it, changes a byte.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint target;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<Socket, bool> sockets = [];
    private readonly Task accepting;
    private volatile TaskCompletionSource? stalled;
    private long forwarded;
    private long cutAt = long.MaxValue;
    private long corruptAt = long.MaxValue;

    public TcpProxy(IPEndPoint target)
    {
        this.target = target;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Address = (IPEndPoint)listener.LocalEndPoint!;
        accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>Bytes that went from the dialling side to the target.</summary>
    public long Forwarded => Interlocked.Read(ref forwarded);

    /// <summary>Cuts all connections now.</summary>
    public void Cut()
    {
        foreach (Socket socket in sockets.Keys)
        {
            socket.Close(0);
        }
    }

    /// <summary>Cuts all connections once so many more bytes went to the target.</summary>
    public void CutAfter(long bytes) => Interlocked.Exchange(ref cutAt, Forwarded + bytes);

    /// <summary>Changes one byte, after so many more have gone to the target.</summary>
    public void CorruptAfter(long bytes) => Interlocked.Exchange(ref corruptAt, Forwarded + bytes);

    /// <summary>Keeps connections open and forwards nothing.</summary>
    public void Stall() => stalled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Forwards again.</summary>
    public void Flow()
    {
        TaskCompletionSource? waiting = stalled;
        stalled = null;
        waiting?.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        Flow();
        Cut();
        await accepting;
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await listener.AcceptAsync(stop.Token);
                _ = ServeAsync(near);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        sockets[near] = true;
        sockets[far] = true;
        try
        {
            await far.ConnectAsync(target, stop.Token);
            await Task.WhenAny(PumpAsync(near, far, counted: true), PumpAsync(far, near, counted: false));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Cut, or the target is not there.
        }
        finally
        {
            sockets.TryRemove(near, out _);
            sockets.TryRemove(far, out _);
            near.Close(0);
            far.Close(0);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool counted)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            while (true)
            {
                int read = await from.ReceiveAsync(buffer, stop.Token);
                if (stalled is { } waiting)
                {
                    await waiting.Task;
                }

                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                if (counted && !Harm(buffer.AsSpan(0, read)))
                {
                    return;
                }

                for (int sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), stop.Token);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Cut.
        }
    }

    private bool Harm(Span<byte> bytes)
    {
        long after = Interlocked.Add(ref forwarded, bytes.Length);
        long at = Interlocked.Read(ref corruptAt) - (after - bytes.Length);
        if (at < bytes.Length)
        {
            Interlocked.Exchange(ref corruptAt, long.MaxValue);
            bytes[(int)Math.Max(at, 0)] ^= 0x10;
        }

        if (after >= Interlocked.Read(ref cutAt))
        {
            Interlocked.Exchange(ref cutAt, long.MaxValue);
            Cut();
            return false;
        }

        return true;
    }
}
