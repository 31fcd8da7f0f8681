namespace ActorMlp.Cluster.Bulk.Flow;

/// <summary>The receiver's side of a <see cref="CreditWindow"/>: what came, what was released, and what the sender knows of it.</summary>
/// <param name="window">Bytes granted.</param>
/// <param name="largestFrame">The largest frame that may have to be sent.</param>
internal sealed class CreditGrant(int window, int largestFrame)
{
    private ulong received;
    private ulong announced;

    /// <summary>Bytes released since the session began.</summary>
    public ulong Released { get; private set; }

    /// <summary>A frame announces itself.</summary>
    /// <returns>Whether the sender had credit for it.</returns>
    public bool Allows(int bytes) => received - Released + (ulong)bytes <= (ulong)window;

    /// <summary>A frame was accepted.</summary>
    public void Receive(int bytes) => received += (ulong)bytes;

    /// <summary>A frame's buffer is free again.</summary>
    public void Release(int bytes) => Released += (ulong)bytes;

    /// <summary>The sender is being told.</summary>
    public void Announced() => announced = Released;

    /// <summary>
    /// Whether it is time to tell the sender: an eighth of the window has come free, or it has too little left, as it sees it, for the largest
    /// frame. So credit comes back in few messages, and none is ever held back that a waiting frame needs.
    /// </summary>
    public bool IsDue
    {
        get
        {
            ulong unannounced = Released - announced;
            return unannounced > 0 && (unannounced >= (ulong)window / 8 || (ulong)window - (received - announced) < (ulong)largestFrame);
        }
    }
}
