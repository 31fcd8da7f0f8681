using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>
/// Mutual proof of a shared secret: both ends send a name and a fresh nonce; then the dialler proves the secret, and only then the acceptor. A proof is
/// HMAC-SHA256 over the prover's role, both nonces and both names, so none can be used again, for the other role, or for other nodes.
/// </summary>
internal static class SharedSecretProof
{
    private const int NonceSize = 32;

    /// <summary>Proves the secret as the end that dialled.</summary>
    /// <param name="channel">The connection.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="self">This node.</param>
    /// <param name="expected">The node that was dialled.</param>
    public static void Dial(HandshakeChannel channel, ReadOnlyMemory<byte> secret, string self, string expected)
    {
        byte[] nonce = RandomNumberGenerator.GetBytes(NonceSize);
        channel.Write(HandshakeMessage.Opening, Opening(nonce, self));
        (byte[] theirNonce, string theirName) = Parse(channel.Read(HandshakeMessage.Opening));
        if (theirName != expected)
        {
            throw new HandshakeException($"it is {theirName}, {expected} was expected");
        }

        channel.Write(HandshakeMessage.Proof, Prove(secret.Span, "dialler", nonce, self, theirNonce, theirName));
        byte[] proof = channel.Read(HandshakeMessage.Proof);
        Verify(proof, Prove(secret.Span, "acceptor", nonce, self, theirNonce, theirName));
    }

    /// <summary>Proves the secret as the end that was dialled.</summary>
    /// <param name="channel">The connection.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="self">This node.</param>
    /// <returns>The node that dialled.</returns>
    public static string Accept(HandshakeChannel channel, ReadOnlyMemory<byte> secret, string self)
    {
        (byte[] theirNonce, string theirName) = Parse(channel.Read(HandshakeMessage.Opening));
        byte[] nonce = RandomNumberGenerator.GetBytes(NonceSize);
        channel.Write(HandshakeMessage.Opening, Opening(nonce, self));
        byte[] proof = channel.Read(HandshakeMessage.Proof);
        Verify(proof, Prove(secret.Span, "dialler", theirNonce, theirName, nonce, self));
        channel.Write(HandshakeMessage.Proof, Prove(secret.Span, "acceptor", theirNonce, theirName, nonce, self));
        return theirName;
    }

    /// <summary>What a role has to show: HMAC-SHA256 under the secret over a label, the role, the dialler's nonce and name, the acceptor's nonce and name.</summary>
    internal static byte[] Prove(ReadOnlySpan<byte> secret, string role, byte[] diallerNonce, string dialler, byte[] acceptorNonce, string acceptor)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        Append(hmac, "actormlp bulk 1"u8);
        Append(hmac, Encoding.UTF8.GetBytes(role));
        Append(hmac, diallerNonce);
        Append(hmac, Encoding.UTF8.GetBytes(dialler));
        Append(hmac, acceptorNonce);
        Append(hmac, Encoding.UTF8.GetBytes(acceptor));
        return hmac.GetHashAndReset();
    }

    private static void Append(IncrementalHash hmac, ReadOnlySpan<byte> field)
    {
        // With its length, so that no two lists of fields give the same bytes.
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, field.Length);
        hmac.AppendData(length);
        hmac.AppendData(field);
    }

    private static byte[] Opening(byte[] nonce, string name) => [.. nonce, .. Encoding.UTF8.GetBytes(name)];

    private static (byte[] Nonce, string Name) Parse(byte[] opening)
    {
        string name = opening.Length > NonceSize ? Encoding.UTF8.GetString(opening, NonceSize, opening.Length - NonceSize) : "";
        return BulkOptions.IsNodeId(name) ? (opening[..NonceSize], name) : throw new HandshakeException("its opening holds no name of a node");
    }

    private static void Verify(byte[] shown, byte[] right)
    {
        if (!CryptographicOperations.FixedTimeEquals(shown, right))
        {
            throw new HandshakeException("its proof of the shared secret is wrong: the secrets differ");
        }
    }
}
