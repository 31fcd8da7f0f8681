using System.Collections;
using System.Reflection;
using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using CsCheck;
using MessagePack;

namespace ActorMlp.Cluster.Tests.Wire;

public sealed class WireMessagesTests
{
    [Fact]
    public void Manifests_are_short_and_each_has_a_sample() =>
        Assert.Equal(WireSamples.All.Select(sample => sample.Manifest), WireMessages.All.Select(message => message.Manifest));

    [Fact]
    public void Every_message_has_its_golden_bytes() => Assert.Equal(
        WireSamples.All.Select(sample => $"{sample.Manifest} {sample.Bytes}"),
        WireSamples.All.Select(sample => $"{WireMessages.For(sample.Message).Manifest} {Convert.ToHexStringLower(WireMessages.For(sample.Message).Encode(sample.Message))}"));

    [Fact]
    public void Messages_come_back_as_they_were() => WireSamples.Any.Sample(message =>
    {
        WireMessage kind = WireMessages.For(message);
        object back = WireMessages.For(kind.Manifest).Decode(kind.Encode(message));
        return AreSame(message, back);
    });

    [Fact]
    public void Bytes_that_are_cut_short_are_refused()
    {
        foreach ((string manifest, object message, _) in WireSamples.All)
        {
            byte[] bytes = WireMessages.For(message).Encode(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                Assert.Throws<WireFormatException>(() => WireMessages.For(manifest).Decode(bytes[..length]));
            }

            Assert.Throws<WireFormatException>(() => WireMessages.For(manifest).Decode([.. bytes, 0xc0]));
        }
    }

    [Fact]
    public void Bytes_that_are_changed_are_refused_or_are_another_message() => Gen.Select(WireSamples.Any, Gen.Int[1, 4096], Gen.Byte).Sample(
        (message, at, value) =>
        {
            WireMessage kind = WireMessages.For(message);
            byte[] bytes = kind.Encode(message);
            bytes[at % bytes.Length] = value;
            return IsRefusedOrExact(kind, bytes);
        });

    [Fact]
    public void Any_bytes_are_refused_or_are_a_message() => Gen.Select(Gen.Int[0, WireMessages.All.Count - 1], Gen.Byte.Array[0, 60]).Sample(
        (kind, bytes) => IsRefusedOrExact(WireMessages.All[kind], [WireMessage.Version, .. bytes]));

    [Fact]
    public void Another_version_is_refused_and_named()
    {
        byte[] bytes = WireMessages.For(new Ping(1)).Encode(new Ping(1));
        bytes[0] = 9;
        WireFormatException refused = Assert.Throws<WireFormatException>(() => WireMessages.For("ping").Decode(bytes));
        Assert.Contains("version 9", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_where_none_may_be_is_refused()
    {
        Assert.Throws<WireFormatException>(() => WireMessages.For("cf").Decode([WireMessage.Version, 0x91, 0xc0]));
        Assert.Throws<WireFormatException>(() => WireMessages.For("vp").Decode([WireMessage.Version, 0x91, 0xc0]));
        Assert.Throws<WireFormatException>(() => WireMessages.For("vp").Decode([WireMessage.Version, 0x91, 0x92, 0x01, 0x91, 0xc0]));
        Assert.Throws<WireFormatException>(() => WireMessages.For("cf").Decode([WireMessage.Version, 0xc0]));
        Assert.Throws<WireFormatException>(() => WireMessages.For("cf").Encode(new CheckpointFailed(null!)));
    }

    [Fact]
    public void Undefined_enumeration_values_and_impossible_tree_nodes_are_refused()
    {
        Assert.Throws<WireFormatException>(() => Encode("eb", new EvaluateBlocks(0, (EvaluatedSplit)7, 0, 1, 0)));
        Assert.Throws<WireFormatException>(() => WireMessages.For("eb").Decode([WireMessage.Version, 0x94, 0x00, 0x07, 0x00, 0x01]));
        WireMessage opened = WireMessages.For("so");
        foreach (TreeNode node in new[] { new TreeNode(-1, 0), new TreeNode(31, 0), new TreeNode(30, 1), new TreeNode(0, -1) })
        {
            Assert.Throws<WireFormatException>(() => opened.Decode(opened.Encode(new StepOpened(1, 0, [node]))));
        }
    }

    [Fact]
    public void Message_within_a_message_is_decoded_as_strictly_as_one_that_comes_alone()
    {
        byte[] bytes = WireMessages.For("told").Encode(new ToldToKeeper(7, new RunFailed("full")));
        Assert.Equal(new ToldToKeeper(7, new RunFailed("full")), WireMessages.For("told").Decode(bytes));

        // The version of what is within is the first byte behind the bytes' own head.
        int version = bytes.Length - 7;
        Assert.Equal(WireMessage.Version, bytes[version]);
        bytes[version] = 9;
        WireFormatException refused = Assert.Throws<WireFormatException>(() => WireMessages.For("told").Decode(bytes));
        Assert.Contains("message 'rf': version 9", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_within_a_message_is_no_other_such_and_none_that_does_not_travel()
    {
        var told = new ToldToKeeper(1, new RunMoves(null));
        byte[] twice = WireMessages.For("told").Encode(new ToldToKeeper(2, told));
        WireFormatException refused = Assert.Throws<WireFormatException>(() => WireMessages.For("told").Decode(twice));
        Assert.Contains("another thing that is told", refused.Message, StringComparison.Ordinal);
        Exception stays = Assert.Throws<MessagePackSerializationException>(() => WireMessages.For("told").Encode(new ToldToKeeper(2, new Uri("http://a/"))));
        Assert.Contains("may not leave its node", stays.GetBaseException().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_that_claim_more_than_there_is_are_refused_before_memory_is_taken() => Assert.Throws<WireFormatException>(
        () => WireMessages.For("so").Decode([WireMessage.Version, 0x93, 0x01, 0x00, 0xdd, 0x7f, 0xff, 0xff, 0xff]));

    [Fact]
    public void Messages_that_are_not_listed_do_not_travel()
    {
        var bulk = new SubtreeComputed(new WorkerId(0, 0), 1, 0, new TreeNode(0, 0), default, default);
        WireFormatException refused = Assert.Throws<WireFormatException>(() => WireMessages.For(bulk));
        Assert.Contains("SubtreeComputed", refused.Message, StringComparison.Ordinal);
        Assert.Throws<WireFormatException>(() => WireMessages.For("System.Diagnostics.Process, System"));
    }

    private static void Encode(string manifest, object message) => WireMessages.For(manifest).Encode(message);

    private static bool IsRefusedOrExact(WireMessage kind, byte[] bytes)
    {
        try
        {
            return kind.Encode(kind.Decode(bytes)).AsSpan().SequenceEqual(bytes);
        }
        catch (WireFormatException)
        {
            return true;
        }
    }

    /// <summary>Equality of records, with that of lists by their elements.</summary>
    private static bool AreSame(object? first, object? second)
    {
        if (first is IEnumerable and not string && second is IEnumerable)
        {
            object?[] left = [.. ((IEnumerable)first).Cast<object?>()], right = [.. ((IEnumerable)second).Cast<object?>()];
            return left.Length == right.Length && left.Zip(right).All(pair => AreSame(pair.First, pair.Second));
        }

        PropertyInfo[] members = [.. first?.GetType().GetProperties().Where(property => property.IsDefined(typeof(KeyAttribute))) ?? []];
        return members.Length == 0 || first!.GetType() != second?.GetType()
            ? Equals(first, second)
            : members.All(member => AreSame(member.GetValue(first), member.GetValue(second)));
    }
}
