namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>A handshake failed; the message says why.</summary>
/// <param name="message">Why.</param>
/// <param name="isTransient">Whether that is in the nature of things, and another attempt will find it changed.</param>
internal sealed class HandshakeException(string message, bool isTransient = false) : Exception(message)
{
    /// <summary>Whether another attempt will find it changed.</summary>
    public bool IsTransient => isTransient;
}
