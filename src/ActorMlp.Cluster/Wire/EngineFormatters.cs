using ActorMlp.Engine.Batches;
using MessagePack;
using MessagePack.Formatters;

namespace ActorMlp.Cluster.Wire;

/// <summary>The engine's types on the wire; the engine itself knows no MessagePack. Each is an array of its members in order.</summary>
internal sealed class TreeNodeFormatter : IMessagePackFormatter<TreeNode>
{
    public void Serialize(ref MessagePackWriter writer, TreeNode value, MessagePackSerializerOptions options)
    {
        writer.WriteArrayHeader(2);
        writer.Write(value.Level);
        writer.Write(value.Index);
    }

    public TreeNode Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        WireArray.Expect(ref reader, 2);
        var node = new TreeNode(reader.ReadInt32(), reader.ReadInt32());

        // Shards are numbered in 32 bits; beyond them the node's own arithmetic would wrap around.
        return node is { Level: >= 0 and <= 30, Index: >= 0 } && (node.Index + 1L) << node.Level <= int.MaxValue
            ? node
            : throw new MessagePackSerializationException($"there is no tree node ({node.Level}, {node.Index})");
    }
}

/// <inheritdoc cref="TreeNodeFormatter"/>
internal sealed class GradientTotalsFormatter : IMessagePackFormatter<GradientTotals>
{
    public void Serialize(ref MessagePackWriter writer, GradientTotals value, MessagePackSerializerOptions options)
    {
        writer.WriteArrayHeader(3);
        writer.Write(value.Rows);
        writer.Write(value.LossSum);
        writer.Write(value.Correct);
    }

    public GradientTotals Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        WireArray.Expect(ref reader, 3);
        return new GradientTotals(reader.ReadInt64(), reader.ReadDouble(), reader.ReadInt64());
    }
}

/// <inheritdoc cref="TreeNodeFormatter"/>
internal sealed class EvaluationTotalsFormatter : IMessagePackFormatter<EvaluationTotals>
{
    public void Serialize(ref MessagePackWriter writer, EvaluationTotals value, MessagePackSerializerOptions options)
    {
        writer.WriteArrayHeader(6);
        writer.Write(value.Rows);
        writer.Write(value.LossSum);
        writer.Write(value.Correct);
        writer.Write(value.SquaredErrorSum);
        writer.Write(value.TargetSum);
        writer.Write(value.TargetSquareSum);
    }

    public EvaluationTotals Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        WireArray.Expect(ref reader, 6);
        return new EvaluationTotals(
            reader.ReadInt64(), reader.ReadDouble(), reader.ReadInt64(), reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble());
    }
}

/// <summary>Arrays of a fixed length.</summary>
internal static class WireArray
{
    public static void Expect(ref MessagePackReader reader, int length)
    {
        int found = reader.ReadArrayHeader();
        if (found != length)
        {
            throw new MessagePackSerializationException($"an array of {found} where one of {length} belongs");
        }
    }
}
