using MessagePack;

namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>
/// What each end says of itself before the first frame: who it is, which session it is in, and how far it has received. The dialler's comes first; the answer
/// is a welcome of the same shape or a refusal. Public only as the serializer makes its formatter in another assembly.
/// </summary>
[MessagePackObject]
public sealed record BulkHello
{
    /// <summary>Who speaks.</summary>
    [Key(0)]
    public required string NodeId { get; init; }

    /// <summary>Whom it believes to speak to.</summary>
    [Key(1)]
    public required string TargetNodeId { get; init; }

    /// <summary>What the speaker calls this session; never 0, new after a restart or a disconnect.</summary>
    [Key(2)]
    public required ulong Session { get; init; }

    /// <summary>What the other end called it when they last spoke; 0 if they never did.</summary>
    [Key(3)]
    public required ulong RemoteSession { get; init; }

    /// <summary>Connections that this session has had.</summary>
    [Key(4)]
    public required int Connections { get; init; }

    /// <summary>The last frame delivered here.</summary>
    [Key(5)]
    public required ulong Acknowledged { get; init; }

    /// <summary>Bytes released here.</summary>
    [Key(6)]
    public required ulong Released { get; init; }

    /// <summary>Bytes that may be on their way to here.</summary>
    [Key(7)]
    public required int WindowBytes { get; init; }

    /// <summary>Largest frame taken here, in bytes.</summary>
    [Key(8)]
    public required int MaxFrameBytes { get; init; }
}
