using System.Net.Sockets;

namespace ActorMlp.Cluster.Bulk.Transports;

/// <summary>Closes sockets that other threads may be using.</summary>
internal static class SocketEnd
{
    /// <summary>Shuts the connection down, which wakes whoever waits in it, and closes it.</summary>
    public static void Close(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was not connected, or is closed already.
        }

        socket.Dispose();
    }
}
