using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Cluster.Tests.Wire;

/// <summary>Messages of shares take the bulk plane, behind their vectors; their bytes are fixed as those of the control plane are.</summary>
public sealed class ShareMessageTests
{
    private static readonly ShareWork Work = new(2, 7, 70_000, 9, 4, 3);

    [Fact]
    public void Order_has_its_golden_bytes() => AssertBytes("960207ce00011170090403", Work);

    [Fact]
    public void Result_has_its_golden_bytes() => AssertBytes(
        "94920301960207ce000111700904039193" + "08cb3ff80000000000000" + "501",
        new ShareComputed(new WorkerId(3, 1), Work, [new GradientTotals(8, 1.5, 5)], 1));

    [Fact]
    public void Updates_have_their_golden_bytes() => AssertBytes(
        "919405ce00011170049194020303" + "08",
        new[] { new UpdateRecord(5, 70_000, 4, [new UpdatePart(2, 3, 3, 8)]) });

    private static void AssertBytes<T>(string expected, T message)
    {
        byte[] bytes = MessagePackSerializer.Serialize(message, WireOptions.Strict, TestContext.Current.CancellationToken);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
        T back = MessagePackSerializer.Deserialize<T>(bytes, WireOptions.Strict, TestContext.Current.CancellationToken);
        Assert.Equal(bytes, MessagePackSerializer.Serialize(back, WireOptions.Strict, TestContext.Current.CancellationToken));
    }
}
