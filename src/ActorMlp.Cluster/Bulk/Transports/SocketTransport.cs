using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ActorMlp.Cluster.Bulk.Transports;

/// <summary>A TCP connection as it is: payloads go from and to the caller's memory without a copy in between.</summary>
internal sealed class SocketTransport : BulkTransport
{
    private const int LinuxProtocolTcp = 6;
    private const int LinuxTcpCork = 3;

    private readonly Socket socket;
    private bool held;

    public SocketTransport(Socket socket)
    {
        this.socket = socket;
        RemoteAddress = socket.RemoteEndPoint;
        socket.NoDelay = true;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteAddress { get; }

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> into) => socket.ReceiveAsync(into, SocketFlags.None);

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
        }
    }

    /// <inheritdoc/>
    public override void Hold(bool on)
    {
        // Elsewhere a head goes as a packet of its own: dearer, not wrong.
        if (held != on && OperatingSystem.IsLinux())
        {
            held = on;
            int value = on ? 1 : 0;
            socket.SetRawSocketOption(LinuxProtocolTcp, LinuxTcpCork, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
        }
    }

    /// <inheritdoc/>
    public override ValueTask EndAsync()
    {
        Hold(false);
        socket.Shutdown(SocketShutdown.Send);
        return default;
    }

    /// <inheritdoc/>
    public override void Dispose() => socket.Dispose();
}
