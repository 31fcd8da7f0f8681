namespace ActorMlp.Cluster.Bulk.Flow;

/// <summary>
/// What a sender may have on its way: bytes sent less bytes that the receiver released never exceed the window it granted. Both counts are
/// totals since the session began, so a report that is lost or comes twice changes nothing.
/// </summary>
internal sealed class CreditWindow
{
    private ulong sent;
    private ulong released;
    private int window;

    /// <summary>Bytes sent and not released.</summary>
    public long Used => (long)(sent - released);

    /// <summary>Bytes that the receiver grants; 0 before the first handshake.</summary>
    public void Grant(int bytes) => window = bytes;

    /// <summary>Whether a frame of that size could ever be sent.</summary>
    public bool Fits(int bytes) => bytes <= window;

    /// <summary>Takes credit for a frame, if there is enough.</summary>
    public bool TryTake(int bytes)
    {
        if (Used + bytes > window)
        {
            return false;
        }

        sent += (ulong)bytes;
        return true;
    }

    /// <summary>The receiver has released that many bytes in all.</summary>
    /// <exception cref="BulkProtocolException">It claims to have released what it never got.</exception>
    public void Return(ulong total)
    {
        if (total > sent)
        {
            throw new BulkProtocolException($"the peer released {total} bytes, {sent} were sent");
        }

        released = Math.Max(released, total);
    }
}
