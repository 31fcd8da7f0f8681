namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>A handshake failed; the message says why.</summary>
/// <param name="message">Why.</param>
/// <param name="isTransient">Whether that is in the nature of things, and another attempt will find it changed.</param>
/// <param name="isRefused">Whether nothing listens at the address.</param>
internal sealed class HandshakeException(string message, bool isTransient = false, bool isRefused = false) : Exception(message)
{
    /// <summary>Whether another attempt will find it changed.</summary>
    public bool IsTransient => isTransient;

    /// <summary>Whether nothing listens at the address: the system there says so at once.</summary>
    public bool IsRefused => isRefused;
}
