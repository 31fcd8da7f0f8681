using System.Net;

namespace ActorMlp.Cluster.Bulk;

/// <summary>Keep a connection with a node (to <see cref="BulkPlaneActor"/>).</summary>
/// <param name="NodeId">The node.</param>
/// <param name="Address">Where its bulk endpoint listens.</param>
internal sealed record ConnectBulkPeer(string NodeId, IPEndPoint Address);

/// <summary>End the session with a node (to <see cref="BulkPlaneActor"/>).</summary>
/// <param name="NodeId">The node.</param>
internal sealed record DisconnectBulkPeer(string NodeId);

/// <summary>The endpoint listens (from <see cref="BulkPlaneActor"/>; again, with another endpoint, after a restart).</summary>
/// <param name="Endpoint">For sending. It belongs to the actor.</param>
internal sealed record BulkPlaneReady(BulkEndpoint Endpoint);

/// <summary>Frames can go both ways (from <see cref="BulkPlaneActor"/>).</summary>
/// <param name="Peer">The node and its session.</param>
internal sealed record BulkPeerConnected(BulkPeer Peer);

/// <summary>A connection is gone (from <see cref="BulkPlaneActor"/>).</summary>
/// <param name="Peer">The node and its session.</param>
/// <param name="Reason">Why.</param>
/// <param name="Final">Whether it was ended on purpose; otherwise it is being made again, and frames wait for that.</param>
internal sealed record BulkPeerLost(BulkPeer Peer, string Reason, bool Final);

/// <summary>A node that was connected does not listen any more: its process is gone (from <see cref="BulkPlaneActor"/>, again with each attempt).</summary>
/// <param name="NodeId">The node.</param>
internal sealed record BulkPeerRefused(string NodeId);

/// <summary>A session was ended as asked (from <see cref="BulkPlaneActor"/>).</summary>
/// <param name="NodeId">The node.</param>
internal sealed record BulkPeerDisconnected(string NodeId);
