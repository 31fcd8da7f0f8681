using MessagePack;

namespace ActorMlp.Cluster.Wire;

/// <summary>One kind of control message: its manifest, its type, and how it becomes bytes.</summary>
/// <remarks>
/// The bytes are one byte with <see cref="Version"/>, then MessagePack. They are decoded strictly: only those that encode again to the same bytes,
/// with every member present and every enumeration defined, are a message. So nothing that a node did not send is half understood.
/// </remarks>
public sealed class WireMessage
{
    /// <summary>Version of the control plane; raised by every change that makes old bytes mean something else.</summary>
    public const byte Version = 1;

    private readonly Func<object, byte[]> encode;
    private readonly Func<ReadOnlyMemory<byte>, object?> decode;

    private WireMessage(string manifest, Type type, Func<object, byte[]> encode, Func<ReadOnlyMemory<byte>, object?> decode)
    {
        Manifest = manifest;
        Type = type;
        this.encode = encode;
        this.decode = decode;
    }

    /// <summary>The name on the wire: short, and never given to another message again.</summary>
    public string Manifest { get; }

    /// <summary>The record.</summary>
    public Type Type { get; }

    /// <summary>A message whose record carries MessagePack keys.</summary>
    public static WireMessage Of<T>(string manifest)
        where T : notnull => new(
            manifest,
            typeof(T),
            message => MessagePackSerializer.Serialize((T)message, WireOptions.Strict),
            body => MessagePackSerializer.Deserialize<T>(body, WireOptions.Strict));

    /// <summary>The bytes of a message.</summary>
    /// <exception cref="WireFormatException">It is incomplete, so that no node would take it.</exception>
    public byte[] Encode(object message)
    {
        WireCompleteness.Check(message, Manifest);
        byte[] body = encode(message);
        byte[] bytes = new byte[body.Length + 1];
        bytes[0] = Version;
        body.CopyTo(bytes, 1);
        return bytes;
    }

    /// <summary>The message of bytes.</summary>
    /// <exception cref="WireFormatException">They are not exactly what <see cref="Encode"/> gives for some message.</exception>
    public object Decode(byte[] bytes)
    {
        if (bytes.Length == 0 || bytes[0] != Version)
        {
            string found = bytes.Length == 0 ? "no bytes at all" : $"version {bytes[0]}";
            throw new WireFormatException($"message '{Manifest}': {found} where version {Version} of the control plane is spoken; run the same release on every node");
        }

        object message;
        try
        {
            message = decode(bytes.AsMemory(1)) ?? throw new WireFormatException($"message '{Manifest}': it is nil");
        }
        catch (Exception exception) when (exception is MessagePackSerializationException or EndOfStreamException or OverflowException)
        {
            throw new WireFormatException($"message '{Manifest}': {exception.GetBaseException().Message}", exception);
        }

        WireCompleteness.Check(message, Manifest);
        return encode(message).AsSpan().SequenceEqual(bytes.AsSpan(1))
            ? message
            : throw new WireFormatException($"message '{Manifest}': the bytes are not those of a {Type.Name} as this release sends it");
    }
}
