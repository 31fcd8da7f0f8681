using System.Collections.Concurrent;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Data;
using ActorMlp.Data.Cache;

namespace ActorMlp.Cluster.Tests.DataTransfer;

/// <summary>The giving end, over frames whose delivery the test decides.</summary>
public sealed class DataSenderTests(TransferData data) : IClassFixture<TransferData>
{
    private const int Piece = 10_000;

    private readonly ConcurrentQueue<SentFrame> sent = [];

    [Fact]
    public async Task Send_has_at_most_eight_frames_on_their_way_and_keeps_their_bytes_until_they_are_delivered()
    {
        var ranges = new[] { new ByteRange(3, 95_000), new ByteRange(200_000, 1), new ByteRange(300_000, 0), new ByteRange(data.Cache.Length - 60_000, 60_000) };
        Task transfer = Start(ranges, CancellationToken.None);
        List<ByteRange> pieces = [];
        for (int frames = 0; frames < 17; frames++)
        {
            await BulkNode.UntilAsync(() => sent.Count == Math.Min(DataSender.MaxInFlight, 17 - frames), "the frames are on their way");
            Assert.False(transfer.IsCompleted);
            Assert.True(sent.TryDequeue(out SentFrame? frame));
            Assert.Equal((BulkKind.Rows, 5ul, "node"), (frame.Header.Kind, frame.Header.RunId, frame.NodeId));
            Assert.Equal(frame.Header.Count, frame.Payload.Length);
            AssertBytes(frame);
            pieces.Add(new ByteRange(frame.Header.Offset, frame.Header.Count));
            frame.Delivery.SetResult(BulkDelivery.Acknowledged);
        }

        await transfer.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
        Assert.All(pieces, piece => Assert.InRange(piece.Length, 1, Piece));
        IEnumerable<long> expected = ranges.SelectMany(Bytes);
        Assert.Equal(expected, pieces.SelectMany(Bytes));

        static IEnumerable<long> Bytes(ByteRange range) => Enumerable.Range(0, (int)range.Length).Select(i => range.Offset + i);
    }

    [Fact]
    public async Task Cancelled_send_ends_at_once_and_leaves_the_bytes_of_frames_on_their_way_alone()
    {
        using var cancellation = new CancellationTokenSource();
        Task transfer = Start(data.Whole, cancellation.Token);
        await BulkNode.UntilAsync(() => sent.Count == DataSender.MaxInFlight, "the frames are on their way");

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transfer.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));

        // Another transfer takes its buffers from the same pool.
        var others = new DataSenderTests(data);
        Task other = others.Start([new ByteRange(data.Cache.Length / 2, 8 * Piece)], CancellationToken.None);
        await BulkNode.UntilAsync(() => others.sent.Count == DataSender.MaxInFlight, "the other frames are on their way");
        foreach (SentFrame frame in sent.Concat(others.sent))
        {
            AssertBytes(frame);
            frame.Delivery.SetResult(BulkDelivery.Acknowledged);
        }

        await other.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(DataSender.MaxInFlight, sent.Count);
    }

    [Fact]
    public async Task Frame_that_was_dropped_ends_the_transfer()
    {
        Task transfer = Start(data.Whole, CancellationToken.None);
        await BulkNode.UntilAsync(() => sent.Count == DataSender.MaxInFlight, "the frames are on their way");
        Assert.True(sent.TryDequeue(out SentFrame? first));
        Assert.True(sent.TryDequeue(out SentFrame? second));
        first.Delivery.SetResult(BulkDelivery.Acknowledged);
        second.Delivery.SetResult(BulkDelivery.Dropped);

        BulkException problem = await Assert.ThrowsAsync<BulkException>(() => transfer.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));

        Assert.Contains($"its piece at byte {Piece} was dropped ({Piece} of {data.Cache.Length} bytes", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(0, -1)]
    [InlineData(0, long.MaxValue)]
    [InlineData(long.MaxValue, 1)]
    public async Task Range_that_is_not_in_the_cache_is_refused_before_anything_is_sent(long offset, long length)
    {
        ByteRange[] ranges = [new ByteRange(0, 10), new ByteRange(offset, length)];

        DataException problem = await Assert.ThrowsAsync<DataException>(() => Start(ranges, CancellationToken.None));

        Assert.Contains($"node asks for {length} bytes from byte {offset} on", problem.Message, StringComparison.Ordinal);
        Assert.Empty(sent);
    }

    [Fact]
    public async Task Nothing_missing_sends_nothing()
    {
        await Start([], CancellationToken.None);
        Assert.Empty(sent);
    }

    private Task Start(IReadOnlyList<ByteRange> ranges, CancellationToken cancellation) => new DataSender(
        data.Cache,
        (string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload) =>
        {
            var frame = new SentFrame(nodeId, header, payload, new TaskCompletionSource<BulkDelivery>(TaskCreationOptions.RunContinuationsAsynchronously));
            sent.Enqueue(frame);
            return new ValueTask<BulkDelivery>(frame.Delivery.Task);
        },
        Piece).SendAsync("node", 5, ranges, cancellation);

    private void AssertBytes(SentFrame frame)
    {
        byte[] expected = new byte[frame.Header.Count];
        data.Cache.Read(frame.Header.Offset, expected);
        Assert.Equal(expected, frame.Payload.ToArray());
    }

    private sealed record SentFrame(string NodeId, BulkHeader Header, ReadOnlyMemory<byte> Payload, TaskCompletionSource<BulkDelivery> Delivery);
}
