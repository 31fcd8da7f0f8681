using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ActorMlp.Cluster.Bulk.Transports;
using MessagePack;
using MessagePack.Resolvers;

namespace ActorMlp.Cluster.Bulk.Handshakes;

/// <summary>The messages of a handshake. Values are on the wire.</summary>
internal enum HandshakeMessage : byte
{
    /// <summary>Name and nonce (shared secret).</summary>
    Opening = 1,

    /// <summary>Proof of the secret.</summary>
    Proof = 2,

    /// <summary>The dialler's <see cref="BulkHello"/>.</summary>
    Hello = 3,

    /// <summary>The acceptor's <see cref="BulkHello"/>.</summary>
    Welcome = 4,

    /// <summary>The acceptor does not want this connection; a text says why.</summary>
    Refusal = 5,

    /// <summary>The acceptor does not want this connection now, as another is being made; a text says which.</summary>
    NotNow = 6,
}

/// <summary>
/// Reads and writes handshake messages: magic (4), version (1), message (1), length (2), and so many bytes, at most <see cref="MaxBody"/>.
/// Not a byte is read beyond a message, and nothing but the message that is due is accepted.
/// </summary>
internal sealed class HandshakeChannel(BulkTransport transport)
{
    /// <summary>Most bytes in a message.</summary>
    public const int MaxBody = 1024;

    private const uint Magic = 0x484C_4D41; // "AMLH"
    private const byte Version = 1;
    private const int PreambleSize = 8;

    private static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions.Standard
        .WithResolver(CompositeResolver.Create(BuiltinResolver.Instance, DynamicObjectResolver.Instance))
        .WithSecurity(MessagePackSecurity.UntrustedData);

    /// <summary>Writes a message of raw bytes.</summary>
    public void Write(HandshakeMessage message, ReadOnlySpan<byte> body)
    {
        byte[] bytes = new byte[PreambleSize + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        bytes[4] = Version;
        bytes[5] = (byte)message;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), checked((ushort)body.Length));
        body.CopyTo(bytes.AsSpan(PreambleSize));
        transport.Send(bytes);
    }

    /// <summary>Writes a hello or a welcome.</summary>
    public void Write(HandshakeMessage message, BulkHello hello)
    {
        var body = new ArrayBufferWriter<byte>(MaxBody);
        MessagePackSerializer.Serialize(body, hello, Options);
        Write(message, body.WrittenSpan);
    }

    /// <summary>Reads the message that is due.</summary>
    /// <exception cref="HandshakeException">Something else came, or a refusal.</exception>
    public byte[] Read(HandshakeMessage due)
    {
        byte[] preamble = new byte[PreambleSize];
        transport.ReceiveExactly(preamble);
        if (BinaryPrimitives.ReadUInt32LittleEndian(preamble) != Magic)
        {
            throw new HandshakeException($"it does not speak this protocol: its first bytes are {Printable(preamble)}");
        }

        if (preamble[4] != Version)
        {
            throw new HandshakeException($"it speaks version {preamble[4]} of the bulk protocol, this node version {Version}");
        }

        var message = (HandshakeMessage)preamble[5];
        int length = BinaryPrimitives.ReadUInt16LittleEndian(preamble.AsSpan(6));
        bool refused = message is HandshakeMessage.Refusal or HandshakeMessage.NotNow && due == HandshakeMessage.Welcome;
        if (message != due && !refused)
        {
            throw new HandshakeException($"it sent message {message} where {due} is due (do both ends use the same security?)");
        }

        if (length > MaxBody)
        {
            throw new HandshakeException($"its message {message} announces {length} bytes, {MaxBody} are allowed");
        }

        byte[] body = new byte[length];
        transport.ReceiveExactly(body);
        return refused ? throw new HandshakeException($"it refused: {new string([.. Encoding.UTF8.GetString(body).Select(c => char.IsControl(c) ? '?' : c)])}", message == HandshakeMessage.NotNow) : body;
    }

    /// <summary>Reads the hello or the welcome that is due.</summary>
    public BulkHello ReadHello(HandshakeMessage due)
    {
        byte[] body = Read(due);
        try
        {
            BulkHello hello = MessagePackSerializer.Deserialize<BulkHello>(body, Options);
            return hello is { Session: not 0, Connections: >= 0, WindowBytes: > 0, MaxFrameBytes: > 0 }
                && BulkOptions.IsNodeId(hello.NodeId) && BulkOptions.IsNodeId(hello.TargetNodeId)
                ? hello
                : throw new HandshakeException($"its {due} makes no sense");
        }
        catch (MessagePackSerializationException exception)
        {
            throw new HandshakeException($"its {due} cannot be read: {exception.GetBaseException().Message}");
        }
    }

    /// <summary>Says why not.</summary>
    public void Refuse(string reason, bool isTransient = false) =>
        Write(isTransient ? HandshakeMessage.NotNow : HandshakeMessage.Refusal, Encoding.UTF8.GetBytes(reason));

    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte value in bytes)
        {
            // Whatever a stranger sends must not steer the terminal that shows the log.
            text.Append(value is >= 0x20 and < 0x7F and not (byte)'"' and not (byte)'\\' ? ((char)value).ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"));
        }

        return text.Append('"').ToString();
    }
}
