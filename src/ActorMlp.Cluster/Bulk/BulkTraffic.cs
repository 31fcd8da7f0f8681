namespace ActorMlp.Cluster.Bulk;

/// <summary>What went to and came from a node since the endpoint began, over all its sessions.</summary>
/// <param name="NodeId">The node.</param>
/// <param name="FramesSent">Frames sent, counting those sent again.</param>
/// <param name="FramesResent">Frames among them that were sent again after a connection broke.</param>
/// <param name="FramesReceived">Frames delivered.</param>
/// <param name="PayloadBytesSent">Payload sent, in bytes.</param>
/// <param name="PayloadBytesReceived">Payload received, in bytes.</param>
/// <param name="BytesSent">All bytes sent after the handshake: heads, payload, acknowledgements (before encryption).</param>
/// <param name="BytesReceived">All bytes received after the handshake.</param>
/// <param name="Connections">Connections made.</param>
public sealed record BulkTraffic(
    string NodeId,
    long FramesSent,
    long FramesResent,
    long FramesReceived,
    long PayloadBytesSent,
    long PayloadBytesReceived,
    long BytesSent,
    long BytesReceived,
    int Connections);

/// <summary>The running counts behind <see cref="BulkTraffic"/>.</summary>
internal sealed class TrafficCounters(string nodeId)
{
    private long framesSent;
    private long framesResent;
    private long framesReceived;
    private long payloadSent;
    private long payloadReceived;
    private long bytesSent;
    private long bytesReceived;
    private int connections;

    public void Connected() => Interlocked.Increment(ref connections);

    public void Sent(int head, int payload)
    {
        Interlocked.Add(ref bytesSent, head + payload);
        Interlocked.Add(ref payloadSent, payload);
    }

    public void FrameSent(bool again)
    {
        Interlocked.Increment(ref framesSent);
        if (again)
        {
            Interlocked.Increment(ref framesResent);
        }
    }

    public void FrameReceived() => Interlocked.Increment(ref framesReceived);

    public void Received(int head, int payload)
    {
        Interlocked.Add(ref bytesReceived, head + payload);
        Interlocked.Add(ref payloadReceived, payload);
    }

    public BulkTraffic Read() => new(
        nodeId,
        Interlocked.Read(ref framesSent),
        Interlocked.Read(ref framesResent),
        Interlocked.Read(ref framesReceived),
        Interlocked.Read(ref payloadSent),
        Interlocked.Read(ref payloadReceived),
        Interlocked.Read(ref bytesSent),
        Interlocked.Read(ref bytesReceived),
        Volatile.Read(ref connections));
}
