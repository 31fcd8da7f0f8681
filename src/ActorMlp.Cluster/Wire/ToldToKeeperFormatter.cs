using System.Buffers;
using ActorMlp.Training.Messages;
using MessagePack;
using MessagePack.Formatters;

namespace ActorMlp.Cluster.Wire;

/// <summary>A message within a message: an array of its number, its manifest and its bytes, which are decoded as strictly as those of one that comes alone.</summary>
internal sealed class ToldToKeeperFormatter : IMessagePackFormatter<ToldToKeeper?>
{
    private const int Members = 3;

    public void Serialize(ref MessagePackWriter writer, ToldToKeeper? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }

        // Before anything is written: MessagePack has one scratch buffer for each thread.
        WireMessage inner = WireMessages.For(value.Message);
        byte[] bytes = inner.Encode(value.Message);
        writer.WriteArrayHeader(Members);
        writer.Write(value.Number);
        writer.Write(inner.Manifest);
        writer.Write(bytes);
    }

    public ToldToKeeper? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.TryReadNil())
        {
            return null;
        }

        WireArray.Expect(ref reader, Members);
        long number = reader.ReadInt64();
        string manifest = reader.ReadString() ?? throw new MessagePackSerializationException("the manifest of what is told is missing");
        if (WireMessages.For(manifest).Type == typeof(ToldToKeeper))
        {
            // Nothing that a node sends; and a stranger could make it as deep as he likes.
            throw new MessagePackSerializationException("what is told cannot be another thing that is told");
        }

        byte[] bytes = reader.ReadBytes() is { } found ? found.ToArray() : [];
        return new ToldToKeeper(number, WireMessages.For(manifest).Decode(bytes));
    }
}
