using System.Net.Sockets;
using System.Security.Authentication;
using ActorMlp.Cluster.Bulk.Transports;

namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>What comes before the first frame: encryption where it is asked for, proof of membership, and who is who.</summary>
internal static class BulkHandshake
{
    /// <summary>Makes a transport of a fresh connection. The socket belongs to the transport, or is closed.</summary>
    public static BulkTransport Secure(Socket socket, BulkSecurity security, bool dialled)
    {
        try
        {
            return security is BulkSecurity.MutualTls tls
                ? TlsTransport.Secure(socket, tls, dialled)
                : new SocketTransport(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The dialler's part, up to the acceptor's welcome.</summary>
    /// <exception cref="HandshakeException">The other end is not who was dialled, does not know the secret, or refuses.</exception>
    public static BulkHello Dial(HandshakeChannel channel, BulkSecurity security, BulkHello hello)
    {
        if (security is BulkSecurity.SharedSecret shared)
        {
            SharedSecretProof.Dial(channel, shared.Secret, hello.NodeId, hello.TargetNodeId);
        }

        channel.Write(HandshakeMessage.Hello, hello);
        BulkHello welcome = channel.ReadHello(HandshakeMessage.Welcome);
        if (welcome.NodeId != hello.TargetNodeId || welcome.TargetNodeId != hello.NodeId || welcome.RemoteSession != hello.Session)
        {
            throw new HandshakeException($"it welcomes {welcome.TargetNodeId} as {welcome.NodeId}, not {hello.NodeId} as {hello.TargetNodeId}");
        }

        return welcome;
    }

    /// <summary>The acceptor's part, up to the dialler's hello.</summary>
    /// <exception cref="HandshakeException">The dialler does not speak the protocol, does not know the secret, or wants somebody else.</exception>
    public static BulkHello Accept(HandshakeChannel channel, BulkSecurity security, string self)
    {
        string? proven = security is BulkSecurity.SharedSecret shared
            ? SharedSecretProof.Accept(channel, shared.Secret, self)
            : null;
        BulkHello hello = channel.ReadHello(HandshakeMessage.Hello);
        string? refusal = hello switch
        {
            _ when hello.TargetNodeId != self => $"this is {self}, not {hello.TargetNodeId}",
            _ when hello.NodeId == self => "two nodes have the same name",
            _ when proven is not null && hello.NodeId != proven => "the name differs from the one that was proven",
            _ => null,
        };
        if (refusal is not null)
        {
            channel.Refuse(refusal);
            throw new HandshakeException(refusal);
        }

        return hello;
    }

    /// <summary>Why a handshake failed, in words.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="timeout">The time that it had, if that is what ran out.</param>
    public static string Describe(Exception exception, TimeSpan? timeout) => exception switch
    {
        _ when timeout is { } time => $"the handshake took longer than {time.TotalSeconds:0.#} s",
        EndOfStreamException => "the other end closed the connection within the handshake (do both ends use the same security and secret?)",
        SocketException socket => socket.SocketErrorCode.ToString(),
        IOException { InnerException: SocketException socket } => socket.SocketErrorCode.ToString(),
        AuthenticationException => exception.Message,
        _ => exception.Message,
    };
}
