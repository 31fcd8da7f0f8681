namespace ActorMlp.Cluster.Bulk;

/// <summary>Takes the frames that arrive at an endpoint.</summary>
public interface IBulkSink
{
    /// <summary>
    /// A frame arrived whole and unharmed. Called on the connection's receiving thread: frames of one peer one after another, frames of
    /// different peers at the same time. It must not block and must not throw.
    /// </summary>
    /// <param name="from">The node that sent it.</param>
    /// <param name="header">What it is.</param>
    /// <param name="payload">The bytes; disposing it gives the buffer back to the pool and the sender its credit.</param>
    void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload);
}

/// <summary>Hears of connections; called one event after another for each peer. It must not block and must not throw.</summary>
public interface IBulkObserver
{
    /// <summary>Frames can go both ways now.</summary>
    /// <param name="peer">The node, in the session that its <see cref="BulkPeer.Session"/> names.</param>
    void Connected(BulkPeer peer);

    /// <summary>The connection is gone.</summary>
    /// <param name="peer">The node.</param>
    /// <param name="reason">Why.</param>
    /// <param name="final">Whether it was ended on purpose; otherwise it is made again, and frames wait for that.</param>
    void Lost(BulkPeer peer, string reason, bool final);

    /// <summary>A node that was connected does not listen any more, as its system says: its process is gone. Told again with each attempt.</summary>
    /// <param name="nodeId">The node.</param>
    void Refused(string nodeId)
    {
        // Only those that look after nodes need it.
    }
}
