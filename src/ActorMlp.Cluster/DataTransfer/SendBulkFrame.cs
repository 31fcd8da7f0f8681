using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.DataTransfer;

/// <summary>Sends a bulk frame to a node: <see cref="BulkEndpoint.Send(string, in BulkHeader, ReadOnlyMemory{byte})"/>, whose promises it makes.</summary>
/// <param name="nodeId">The node.</param>
/// <param name="header">What the frame is.</param>
/// <param name="payload">The bytes; they stay as they are until the returned task is done.</param>
public delegate ValueTask<BulkDelivery> SendBulkFrame(string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload);
