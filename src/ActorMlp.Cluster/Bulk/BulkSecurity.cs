using System.Security.Cryptography.X509Certificates;

namespace ActorMlp.Cluster.Bulk;

/// <summary>How the two ends of a bulk connection convince each other that they belong to the same cluster.</summary>
public abstract record BulkSecurity
{
    private BulkSecurity()
    {
    }

    /// <summary>Not at all. Only for loopback; whoever configures the endpoint sees to that.</summary>
    public static BulkSecurity None { get; } = new Open();

    /// <summary>What a log calls it.</summary>
    internal abstract string Name { get; }

    /// <summary>Both ends know a secret, and each proves it over fresh nonces of both. Payloads travel in the clear.</summary>
    /// <remarks>It keeps strangers out; it does not stop one who can read or change packets on their way. That takes <see cref="MutualTls"/>.</remarks>
    /// <param name="Secret">At least <see cref="MinimumSecretBytes"/> bytes, the same on all nodes.</param>
    public sealed record SharedSecret(ReadOnlyMemory<byte> Secret) : BulkSecurity
    {
        /// <summary>A shorter secret could be guessed from a recorded handshake.</summary>
        public const int MinimumSecretBytes = 16;

        internal override string Name => "shared secret";

        /// <inheritdoc/>
        public override string ToString() => Name;
    }

    /// <summary>TLS 1.2 or 1.3, where both ends show a certificate that <paramref name="Authority"/> issued.</summary>
    /// <remarks>Names in certificates are not compared: nodes come and go at any address. Who holds a certificate of this authority is a node.</remarks>
    /// <param name="Certificate">This node's, with its private key.</param>
    /// <param name="Authority">Root certificates, the only ones trusted.</param>
    public sealed record MutualTls(X509Certificate2 Certificate, X509Certificate2Collection Authority) : BulkSecurity
    {
        internal override string Name => "mutual TLS";

        /// <inheritdoc/>
        public override string ToString() => Name;
    }

    private sealed record Open : BulkSecurity
    {
        internal override string Name => "none";
    }
}
