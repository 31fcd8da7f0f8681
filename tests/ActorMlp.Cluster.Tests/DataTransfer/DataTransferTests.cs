using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Data;
using ActorMlp.Data.Cache;

namespace ActorMlp.Cluster.Tests.DataTransfer;

/// <summary>Data caches between two bulk endpoints on loopback.</summary>
public sealed class DataTransferTests(TransferData data) : IClassFixture<TransferData>
{
    private const int SmallPiece = 16 << 10;

    [Theory]
    [InlineData(DataSender.DefaultPieceBytes)]
    [InlineData(SmallPiece)]
    [InlineData(9973)]
    public async Task Node_without_data_receives_the_rows_bit_for_bit(int pieceBytes)
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);

        await SendAsync(new DataSender(data.Cache, giver.Endpoint.Send, pieceBytes), taker, taker.Receiver.Missing);
        string cache = await taker.CompletionAsync();

        data.AssertEqual(cache);
        Assert.Equal([Path.GetFileName(cache), Path.GetFileName(cache) + ".sha256"], taker.Files);
        Assert.Empty(taker.Receiver.Missing);
        BulkTraffic traffic = Assert.Single(giver.Endpoint.Traffic);
        Assert.Equal(data.Cache.Length, traffic.PayloadBytesSent);
        Assert.Equal((data.Cache.Length + pieceBytes - 1) / pieceBytes, Assert.Single(taker.Endpoint.Traffic).FramesReceived);
    }

    [Fact]
    public async Task Two_nodes_are_served_by_one_sender_at_the_same_time()
    {
        await using var giver = new BulkNode("giver");
        await using var one = new ReceivingNode(data.Cache, "one");
        await using var other = new ReceivingNode(data.Cache, "other");
        giver.Endpoint.Connect(one.Id, one.Endpoint.Address);
        giver.Endpoint.Connect(other.Id, other.Endpoint.Address);
        var sender = new DataSender(data.Cache, giver.Endpoint.Send, SmallPiece);

        await Task.WhenAll(SendAsync(sender, one, data.Whole), SendAsync(sender, other, data.Whole));

        data.AssertEqual(await one.CompletionAsync());
        data.AssertEqual(await other.CompletionAsync());
    }

    [Fact]
    public async Task Transfer_goes_on_from_what_is_missing_after_the_first_half()
    {
        await using var taker = new ReceivingNode(data.Cache);
        long half = data.Cache.Length / 2 + 1;
        await using (var first = new BulkNode("first-giver"))
        {
            first.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
            await SendAsync(new DataSender(data.Cache, first.Endpoint.Send, SmallPiece), taker, [new ByteRange(0, half)]);
        }

        Assert.Equal([new ByteRange(half, data.Cache.Length - half)], taker.Receiver.Missing);
        Assert.False(taker.Receiver.Completion.IsCompleted);

        // The giver is another process now.
        await using var second = new BulkNode("second-giver");
        second.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        await SendAsync(new DataSender(data.Cache, second.Endpoint.Send, SmallPiece), taker, taker.Receiver.Missing);

        data.AssertEqual(await taker.CompletionAsync());
        Assert.Equal(data.Cache.Length - half, Assert.Single(second.Endpoint.Traffic).PayloadBytesSent);
    }

    [Fact]
    public async Task Corrupted_piece_is_refused_by_the_hash_and_a_new_transfer_succeeds()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        var corrupting = new DataSender(
            data.Cache,
            (string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload) =>
            {
                byte[] bytes = payload.ToArray();
                bytes[^1] ^= (byte)(header.Offset == 20 * SmallPiece ? 1 : 0);
                return giver.Endpoint.Send(nodeId, header, bytes);
            },
            SmallPiece);

        await SendAsync(corrupting, taker, data.Whole);
        DataException problem = await Assert.ThrowsAsync<DataException>(taker.CompletionAsync);

        Assert.Contains($"instead of {data.Cache.Sha256}", problem.Message, StringComparison.Ordinal);
        Assert.Empty(taker.Files);

        taker.Begin(data.Cache);
        await SendAsync(new DataSender(data.Cache, giver.Endpoint.Send), taker, taker.Receiver.Missing);
        data.AssertEqual(await taker.CompletionAsync());
    }

    [Fact]
    public async Task Second_node_with_the_same_folder_finds_the_cache_by_its_hash()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        Assert.Null(DataReceiver.FindCache(taker.Caches, data.Cache.Sha256));
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        await SendAsync(new DataSender(data.Cache, giver.Endpoint.Send), taker, data.Whole);
        string cache = await taker.CompletionAsync();
        long sent = Assert.Single(giver.Endpoint.Traffic).PayloadBytesSent;

        string? found = DataReceiver.FindCache(taker.Caches, data.Cache.Sha256);

        Assert.Equal(cache, found);
        data.AssertEqual(found!);
        Assert.Equal(sent, Assert.Single(giver.Endpoint.Traffic).PayloadBytesSent);
        Assert.Null(DataReceiver.FindCache(taker.Caches, new string('0', 64)));
        Assert.Null(DataReceiver.FindCache(taker.Caches + "-not-there", data.Cache.Sha256));
    }

    [Fact]
    public async Task Damaged_cache_is_not_found_and_is_replaced_when_it_is_received_again()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        var sender = new DataSender(data.Cache, giver.Endpoint.Send);
        await SendAsync(sender, taker, data.Whole);
        string cache = await taker.CompletionAsync();
        byte[] bytes = await File.ReadAllBytesAsync(cache, TestContext.Current.CancellationToken);
        bytes[^60] ^= 1;
        await File.WriteAllBytesAsync(cache, bytes, TestContext.Current.CancellationToken);

        Assert.Null(DataReceiver.FindCache(taker.Caches, data.Cache.Sha256));

        taker.Begin(data.Cache);
        await SendAsync(sender, taker, taker.Receiver.Missing);
        data.AssertEqual(await taker.CompletionAsync());
        Assert.Equal(cache, DataReceiver.FindCache(taker.Caches, data.Cache.Sha256));
    }

    [Fact]
    public async Task Transfer_and_gradients_both_ways_arrive_whole_beside_each_other()
    {
        const int Gradients = 200;
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        byte[] gradient = BulkNode.Payload(100_000, 1);
        Task transfer = SendAsync(new DataSender(data.Cache, giver.Endpoint.Send, SmallPiece), taker, data.Whole);
        for (int step = 0; step < Gradients; step++)
        {
            var header = new BulkHeader { Kind = BulkKind.Gradient, RunId = ReceivingNode.RunId, Step = step };
            ValueTask<BulkDelivery> there = giver.Endpoint.Send(taker.Id, header, gradient);
            ValueTask<BulkDelivery> back = step == 0 ? default : taker.Endpoint.Send(giver.Id, header, gradient);
            Arrival arrival = await taker.NextAsync();
            Assert.Equal((step, BulkKind.Gradient), (arrival.Header.Step, arrival.Header.Kind));
            Assert.Equal(gradient, arrival.Payload);
            Assert.Equal((BulkDelivery.Acknowledged, BulkDelivery.Acknowledged), (await there, await back));
        }

        for (int step = 1; step < Gradients; step++)
        {
            Assert.Equal(step, (await giver.NextAsync()).Header.Step);
        }

        await transfer;
        data.AssertEqual(await taker.CompletionAsync());
    }

    [Fact]
    public async Task Transfer_over_a_connection_that_breaks_again_and_again_ends_whole()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        await using var proxy = new TcpProxy(taker.Endpoint.Address);
        giver.Endpoint.Connect(taker.Id, proxy.Address);
        proxy.CutAfter(data.Cache.Length / 3);
        Task transfer = SendAsync(new DataSender(data.Cache, giver.Endpoint.Send, SmallPiece), taker, data.Whole);
        for (int cuts = 2; cuts <= 3; cuts++)
        {
            await BulkNode.UntilAsync(() => Assert.Single(giver.Endpoint.Traffic).Connections == cuts, "the connection was made again");

            // Three pieces and a bit: within one.
            proxy.CutAfter(3 * SmallPiece + 5000);
        }

        await transfer;
        data.AssertEqual(await taker.CompletionAsync());
        Assert.True(Assert.Single(giver.Endpoint.Traffic).FramesResent > 0, "something was lost on its way");
    }

    [Fact]
    public async Task Node_that_is_gone_in_the_middle_ends_the_transfer_with_its_name_and_how_far_it_came()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);
        var sender = new DataSender(
            data.Cache,
            (string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload) => header.Offset < data.Cache.Length / 2
                ? giver.Endpoint.Send(nodeId, header, payload)
                : SendToLeaverAsync(nodeId, header, payload),
            SmallPiece);

        BulkException problem = await Assert.ThrowsAnyAsync<BulkException>(() => SendAsync(sender, taker, data.Whole));

        Assert.Contains($"{data.Cache.Sha256} was not sent whole to taker: ", problem.Message, StringComparison.Ordinal);
        Assert.Matches($"\\([1-9][0-9]* of {data.Cache.Length} bytes are known to have arrived\\)", problem.Message);
        Assert.NotEmpty(taker.Receiver.Missing);
        Assert.False(taker.Receiver.Completion.IsCompleted);

        async ValueTask<BulkDelivery> SendToLeaverAsync(string nodeId, BulkHeader header, ReadOnlyMemory<byte> payload)
        {
            // As the giver does when the cluster says that a member is gone.
            await giver.Endpoint.DisconnectAsync(nodeId);
            return await giver.Endpoint.Send(nodeId, header, payload);
        }
    }

    [Fact]
    public async Task Transfer_that_waits_for_a_node_ends_when_the_node_is_given_up()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache) { Holds = true };
        giver.Endpoint.Connect(taker.Id, taker.Endpoint.Address);

        // More than its window: the transfer cannot end by itself.
        ByteRange[] manyTimes = [.. Enumerable.Repeat(data.Whole[0], 40)];
        Task transfer = SendAsync(new DataSender(data.Cache, giver.Endpoint.Send), taker, manyTimes);
        await BulkNode.UntilAsync(() => giver.Endpoint.Traffic.Any(traffic => traffic.PayloadBytesSent > 20 << 20), "the window is nearly used up");
        Assert.False(transfer.IsCompleted);
        await giver.Endpoint.DisconnectAsync(taker.Id);

        BulkException problem = await Assert.ThrowsAnyAsync<BulkException>(() => transfer);

        // A piece that waited, or one that came a moment later.
        Assert.Matches("was not sent whole to taker: (the connection with taker was ended by this node|taker is not connected, and nobody asked for it)", problem.Message);
    }

    [Fact]
    public async Task Node_that_was_never_connected_with_gets_nothing_and_is_named()
    {
        await using var giver = new BulkNode("giver");
        await using var taker = new ReceivingNode(data.Cache);

        BulkException problem = await Assert.ThrowsAnyAsync<BulkException>(() => SendAsync(new DataSender(data.Cache, giver.Endpoint.Send), taker, data.Whole));

        Assert.Contains($"to taker: taker is not connected, and nobody asked for it (0 of {data.Cache.Length} bytes", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Giver_whose_sources_changed_since_they_were_loaded_gives_nothing() => data.WithOtherSource(() =>
    {
        DataException problem = Assert.Throws<DataException>(() => data.OpenFile());
        Assert.Contains("the data changed since they were loaded: file ", problem.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Giver_that_trains_from_a_cache_gives_that_one()
    {
        using LoadedData cached = DataLoader.LoadCache(data.Cache.Path);
        using DataCacheFile file = DataCacheStore.OpenFile(cached, data.Options with { Train = "not-there.csv" }, 1, new DataPaths(".", null));
        Assert.Equal((data.Cache.Path, data.Cache.Sha256), (file.Path, file.Sha256));
    }

    private static async Task SendAsync(DataSender sender, ReceivingNode taker, IReadOnlyList<ByteRange> ranges) => await sender
        .SendAsync(taker.Id, ReceivingNode.RunId, ranges, TestContext.Current.CancellationToken)
        .WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
}
