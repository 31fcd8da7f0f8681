using System.Net;

namespace ActorMlp.Cluster.Bulk;

/// <summary>A node in one session: as long as neither end restarts or disconnects, however often the connection breaks.</summary>
/// <param name="NodeId">Its name.</param>
/// <param name="Session">What it called this session; another process of the same name has another.</param>
/// <param name="RemoteAddress">The other end of the connection that began it.</param>
public sealed record BulkPeer(string NodeId, ulong Session, EndPoint? RemoteAddress)
{
    /// <inheritdoc/>
    public override string ToString() => RemoteAddress is null ? NodeId : $"{NodeId} ({RemoteAddress})";
}
