using System.Net;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>What the bulk plane logs.</summary>
internal static partial class BulkLogMessages
{
    [LoggerMessage(Level = LogLevel.Information, Message = "bulk: listening at {Address}, security {Security}")]
    public static partial void Listening(this ILogger logger, EndPoint? address, string security);

    [LoggerMessage(Level = LogLevel.Information, Message = "bulk: connected with {Peer}, {Direction}")]
    public static partial void PeerConnected(this ILogger logger, BulkPeer peer, string direction);

    [LoggerMessage(Level = LogLevel.Warning, Message = "bulk: lost {Peer}: {Reason}")]
    public static partial void PeerLost(this ILogger logger, BulkPeer peer, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "bulk: {Peer} is disconnected: {Reason}")]
    public static partial void PeerDisconnected(this ILogger logger, BulkPeer peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "bulk: closed a connection from {RemoteAddress} within its handshake: {Reason}")]
    public static partial void HandshakeFailed(this ILogger logger, EndPoint? remoteAddress, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "bulk: did not take a connection from {NodeId} ({RemoteAddress}): {Reason}")]
    public static partial void ConnectionRefused(this ILogger logger, string nodeId, EndPoint? remoteAddress, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "bulk: cannot reach {NodeId} at {Address}, and keep trying: {Reason}")]
    public static partial void PeerUnreachable(this ILogger logger, string nodeId, EndPoint address, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "bulk: attempt {Attempt} to reach {NodeId} at {Address} failed: {Reason}")]
    public static partial void AttemptFailed(this ILogger logger, int attempt, string nodeId, EndPoint address, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "bulk: the sink failed on a frame of {Peer}, which is lost: {Header}")]
    public static partial void SinkFailed(this ILogger logger, Exception exception, BulkPeer peer, BulkHeader header);

    [LoggerMessage(Level = LogLevel.Error, Message = "bulk: accepting connections failed, and goes on")]
    public static partial void AcceptFailed(this ILogger logger, Exception exception);
}
