using System.Text;
using ActorMlp.Cluster.Bulk.Frames;

namespace ActorMlp.Cluster.Bulk;

/// <summary>How a node's bulk endpoint behaves.</summary>
public sealed record BulkOptions
{
    internal const int MaxNodeIdBytes = 200;

    /// <summary>This node's name, unique in the cluster, at most 200 bytes of UTF-8.</summary>
    public required string NodeId { get; init; }

    /// <summary>How peers prove that they belong here.</summary>
    public required BulkSecurity Security { get; init; }

    /// <summary>Largest frame, head and payload, in bytes; the same or larger at whoever receives from here.</summary>
    public int MaxFrameBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Bytes that a peer may have on their way to this node or in buffers that were not disposed yet. Twice the largest frame lets credit
    /// come back in few messages; a frame's size is the least that works.
    /// </summary>
    public int WindowBytes { get; init; } = 32 << 20;

    /// <summary>Frames that may wait for one node.</summary>
    public int QueueLimit { get; init; } = 4096;

    /// <summary>Bytes that the pool of receive buffers keeps for later.</summary>
    public long PooledBytes { get; init; } = 64 << 20;

    /// <summary>Time for connecting, and then for the whole handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Accepted connections that may be in their handshake at the same time; more are closed at once.</summary>
    public int MaxPendingHandshakes { get; init; } = 32;

    /// <summary>Wait before the first attempt to connect again; doubles with each that fails.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait between two attempts.</summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection on which nothing else was sent for this long carries a sign of life.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection on which nothing came for this many heartbeats is given up, and made again.</summary>
    public int MissedHeartbeats { get; init; } = 10;

    /// <summary>Whether a text can be a node's name: short, and harmless in a log.</summary>
    internal static bool IsNodeId(string? text) =>
        text is { Length: > 0 and <= MaxNodeIdBytes } && Encoding.UTF8.GetByteCount(text) <= MaxNodeIdBytes && !text.Any(char.IsControl);

    /// <summary>What is wrong with these options, all at once; empty if nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        void Check(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add(problem);
            }
        }

        Check(IsNodeId(NodeId), $"{nameof(NodeId)} must have 1 to {MaxNodeIdBytes} bytes, and no control characters");
        Check(MaxFrameBytes is >= 4 * FrameHead.Size and <= 1 << 30, $"{nameof(MaxFrameBytes)} must be between {4 * FrameHead.Size} and 2^30");
        Check(WindowBytes >= MaxFrameBytes, $"{nameof(WindowBytes)} must be at least {nameof(MaxFrameBytes)}, or the largest frame could never be sent");
        Check(QueueLimit > 0, $"{nameof(QueueLimit)} must be positive");
        Check(PooledBytes >= 0, $"{nameof(PooledBytes)} must not be negative");
        Check(HandshakeTimeout > TimeSpan.Zero, $"{nameof(HandshakeTimeout)} must be positive");
        Check(MaxPendingHandshakes > 0, $"{nameof(MaxPendingHandshakes)} must be positive");
        Check(ReconnectDelay > TimeSpan.Zero && MaxReconnectDelay >= ReconnectDelay, $"{nameof(ReconnectDelay)} must be positive and at most {nameof(MaxReconnectDelay)}");
        Check(HeartbeatInterval > TimeSpan.Zero, $"{nameof(HeartbeatInterval)} must be positive");
        Check(MissedHeartbeats >= 2, $"{nameof(MissedHeartbeats)} must be at least 2");
        if (Security is BulkSecurity.SharedSecret shared)
        {
            Check(shared.Secret.Length >= BulkSecurity.SharedSecret.MinimumSecretBytes, $"the shared secret must have at least {BulkSecurity.SharedSecret.MinimumSecretBytes} bytes");
        }

        if (Security is BulkSecurity.MutualTls tls)
        {
            Check(tls.Certificate.HasPrivateKey, "the node's certificate must come with its private key");
            Check(tls.Authority.Count > 0, "at least one authority's certificate is needed");
        }

        return problems;
    }
}
