namespace ActorMlp.Cluster.Bulk;

/// <summary>A bulk frame was not delivered, or may not have been; the message says why.</summary>
public class BulkException : Exception
{
    /// <summary>With a reason.</summary>
    public BulkException(string message)
        : base(message)
    {
    }

    /// <summary>With a reason and its cause.</summary>
    public BulkException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>The process at the other end is not the one the frame was meant for: it restarted, or began a new session.</summary>
/// <param name="nodeId">The node.</param>
public sealed class BulkPeerRestartedException(string nodeId)
    : BulkException($"{nodeId} restarted: frames that its former process had not acknowledged are lost");

/// <summary>The connection to the node was ended on purpose, from here or from there.</summary>
/// <param name="nodeId">The node.</param>
/// <param name="by">Who ended it.</param>
public sealed class BulkDisconnectedException(string nodeId, string by)
    : BulkException($"the connection with {nodeId} was ended by {by}");

/// <summary>The queue to a node is full: its sender is faster than the network, and does not wait.</summary>
/// <param name="nodeId">The node.</param>
/// <param name="limit">Frames that may wait.</param>
public sealed class BulkQueueFullException(string nodeId, int limit)
    : BulkException($"{limit} frames wait for {nodeId} already; wait for some to be acknowledged, or raise {nameof(BulkOptions)}.{nameof(BulkOptions.QueueLimit)}");

/// <summary>What came over a connection breaks the protocol; the connection is closed.</summary>
internal sealed class BulkProtocolException(string message) : BulkException(message);
