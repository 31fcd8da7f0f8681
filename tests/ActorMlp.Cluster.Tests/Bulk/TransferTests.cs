using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Bulk.Frames;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class TransferTests
{
    private static readonly int[] Sizes = [0, 1, 3, 63, 64, 65, 191, 192, 193, 4095, 4096, 4097, 65_536, 1_000_003, 4 << 20];

    [Fact]
    public async Task Frames_of_any_size_arrive_both_ways_with_their_bits_and_in_order()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        a.Connect(b);
        b.Connect(a);
        await a.NextEventAsync();
        await b.NextEventAsync();
        for (int round = 0; round < 3; round++)
        {
            List<Task<BulkDelivery>> sent = [];
            foreach ((BulkNode from, BulkNode to) in new[] { (a, b), (b, a) })
            {
                sent.AddRange(Sizes.Select((size, i) => from.Send(to, i, BulkNode.Payload(size, i)).AsTask()));
            }

            foreach (BulkNode to in new[] { a, b })
            {
                for (int i = 0; i < Sizes.Length; i++)
                {
                    Arrival arrival = await to.NextAsync();
                    Assert.Equal(i, arrival.Header.Step);
                    Assert.Equal(BulkNode.Payload(Sizes[i], i), arrival.Payload);
                }
            }

            Assert.All(await Task.WhenAll(sent), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
        }

        long payload = 3 * Sizes.Sum(size => (long)size);
        BulkTraffic traffic = a.TrafficWith(b);
        Assert.Equal((payload, payload, 3L * Sizes.Length, 0L, 1), (traffic.PayloadBytesSent, traffic.PayloadBytesReceived, traffic.FramesReceived, traffic.FramesResent, traffic.Connections));
        Assert.True(traffic.BytesSent >= payload + 3 * Sizes.Length * FrameHead.Size, "heads are counted");
    }

    [Fact]
    public async Task Frame_that_trickles_in_is_never_waited_for_in_vain()
    {
        // Sizes about the number of bytes that a receiving thread waits for at a time; each frame must end without the help of the next.
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        await using var proxy = new TcpProxy(b.Endpoint.Address);
        a.Connect(b, proxy.Address);
        for (int round = 0; round < 5; round++)
        {
            foreach (int near in new[] { 131_072, 196_608, 262_144, 393_216, 524_288 })
            {
                foreach (int size in new[] { near - 9, near - 8, near, near + 1, near + 40_000 })
                {
                    byte[] payload = BulkNode.Payload(size, size);
                    Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, size, payload).AsTask().WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
                    Assert.Equal(payload, (await b.NextAsync()).Payload);
                }
            }
        }
    }

    [Fact]
    public async Task Header_arrives_as_it_was_sent()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        a.Connect(b);
        var header = new BulkHeader
        {
            RunId = ulong.MaxValue,
            View = int.MaxValue,
            Step = long.MaxValue,
            Kind = BulkKind.Rows,
            Range = int.MinValue,
            Offset = long.MinValue,
            Count = int.MaxValue,
            NodeLevel = int.MinValue,
            NodeIndex = int.MaxValue,
            Encoding = byte.MaxValue,
            Rows = long.MinValue,
            LossSum = double.NaN,
            Correct = long.MinValue,
            Worker = int.MinValue,
            Incarnation = int.MinValue,
        };
        await a.Endpoint.Send("b", header, new byte[8]);
        Arrival arrival = await b.NextAsync();
        Assert.Equal(header, arrival.Header);
        Assert.Equal("a", arrival.From.NodeId);
    }

    [Fact]
    public async Task Payload_in_parts_arrives_as_one()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        a.Connect(b);
        byte[] whole = BulkNode.Payload(300_001, 1);
        await a.Endpoint.Send("b", new BulkHeader { Kind = BulkKind.State }, whole.AsMemory(0, 7), new ReadOnlyMemory<byte>[] { whole.AsMemory(7, 200_000), default, whole.AsMemory(200_007) });
        Assert.Equal(whole, (await b.NextAsync()).Payload);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public async Task Nodes_that_all_dial_each_other_at_once_exchange_everything_over_one_connection_a_pair(int count)
    {
        BulkNode[] nodes = [.. Enumerable.Range(0, count).Select(i => new BulkNode($"node-{i:00}"))];
        try
        {
            foreach (BulkNode from in nodes)
            {
                foreach (BulkNode to in nodes.Where(to => to != from))
                {
                    from.Connect(to);
                }
            }

            Task<BulkDelivery>[] sent = [.. nodes.SelectMany((from, i) => nodes.Where(to => to != from).SelectMany(to =>
                Enumerable.Range(0, 5).Select(step => from.Send(to, step, BulkNode.Payload(50_000 + step, 100 * i + step)).AsTask())))];
            foreach (BulkNode to in nodes)
            {
                List<Arrival> arrivals = [];
                while (arrivals.Count < 5 * (count - 1))
                {
                    arrivals.Add(await to.NextAsync());
                }

                foreach (IGrouping<string, Arrival> from in arrivals.GroupBy(arrival => arrival.From.NodeId))
                {
                    int i = Array.FindIndex(nodes, node => node.Id == from.Key);
                    Assert.Equal([0, 1, 2, 3, 4], from.Select(arrival => arrival.Header.Step));
                    Assert.All(from, arrival => Assert.Equal(BulkNode.Payload(50_000 + (int)arrival.Header.Step, 100 * i + (int)arrival.Header.Step), arrival.Payload));
                }
            }

            Assert.All(await Task.WhenAll(sent), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
            foreach (BulkNode node in nodes)
            {
                Assert.All(node.Endpoint.Traffic, traffic => Assert.Equal(1, traffic.Connections));
                Assert.DoesNotContain(node.Log, line => line.Contains("lost", StringComparison.Ordinal));
            }
        }
        finally
        {
            await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public async Task Sender_stops_at_the_window_and_goes_on_as_buffers_are_disposed()
    {
        const int Frame = 100_000;
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b", options => options with { MaxFrameBytes = 150_000, WindowBytes = 500_000 }) { Holds = true };
        a.Connect(b);
        Task<BulkDelivery>[] sent = [.. Enumerable.Range(0, 20).Select(step => a.Send(b, step, BulkNode.Payload(Frame, step)).AsTask())];
        for (int window = 4; window <= 19; window++)
        {
            await BulkNode.UntilAsync(() => b.HeldCount == 4, "the window is used up");
            await BulkNode.UntilAsync(() => sent.Count(task => task.IsCompleted) == window, "all that was received is acknowledged");
            Assert.Equal(window, b.TrafficWith(a).FramesReceived);
            b.ReleaseOne();
        }

        for (int step = 0; step < 20; step++)
        {
            Assert.Equal(BulkNode.Payload(Frame, step), (await b.NextAsync()).Payload);
        }

        Assert.Equal(20L * Frame, a.TrafficWith(b).PayloadBytesSent);
    }

    [Fact]
    public async Task Weights_overtake_rows_that_wait_and_dropped_frames_are_never_sent()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");

        // Nobody is connected yet: all of them wait.
        b.Connect(a, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1));
        byte[] payload = BulkNode.Payload(1000, 1);
        Task<BulkDelivery> rows = b.Send(a, 0, payload, BulkKind.Rows).AsTask();
        Task<BulkDelivery> stale = b.Send(a, 1, payload, BulkKind.Weights).AsTask();
        Task<BulkDelivery> weights = b.Send(a, 2, payload, BulkKind.Weights).AsTask();
        Assert.Equal(1, b.Endpoint.Drop(header => header.Step == 1));
        Assert.Equal(BulkDelivery.Dropped, await stale);
        a.Connect(b);
        Assert.Equal(2, (await a.NextAsync()).Header.Step);
        Assert.Equal(0, (await a.NextAsync()).Header.Step);
        Assert.Equal([BulkDelivery.Acknowledged, BulkDelivery.Acknowledged], await Task.WhenAll(rows, weights));
        Assert.True(a.NothingArrived);
    }

    [Fact]
    public async Task Frame_that_is_too_large_or_too_many_or_for_nobody_is_refused_with_a_reason()
    {
        await using var a = new BulkNode("a", options => options with { MaxFrameBytes = 10_000, WindowBytes = 10_000, QueueLimit = 2 });
        await using var b = new BulkNode("b", options => options with { MaxFrameBytes = 5_000, WindowBytes = 5_000 });
        BulkException nobody = await Assert.ThrowsAsync<BulkException>(() => a.Send(b, 0, new byte[10]).AsTask());
        Assert.Contains("b is not connected", nobody.Message, StringComparison.Ordinal);
        a.Connect(b, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1));
        Assert.Throws<ArgumentException>(() => { _ = a.Send(b, 0, new byte[10_000]).AsTask(); });
        Task<BulkDelivery> larger = a.Send(b, 0, new byte[9_000]).AsTask();
        Task<BulkDelivery> small = a.Send(b, 1, new byte[4_000]).AsTask();
        await Assert.ThrowsAsync<BulkQueueFullException>(() => a.Send(b, 2, new byte[10]).AsTask());
        a.Connect(b);
        BulkException tooLarge = await Assert.ThrowsAsync<BulkException>(() => larger);
        Assert.Contains("larger than b takes", tooLarge.Message, StringComparison.Ordinal);
        Assert.Equal(BulkDelivery.Acknowledged, await small);
        Assert.Equal(1, (await b.NextAsync()).Header.Step);
    }

    [Fact]
    public async Task Sink_that_throws_loses_that_frame_only_and_it_is_logged()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b") { ThrowsAtStep = 1 };
        a.Connect(b);
        for (int step = 0; step < 3; step++)
        {
            await a.Send(b, step, new byte[100]);
        }

        Assert.Equal(0, (await b.NextAsync()).Header.Step);
        Assert.Equal(2, (await b.NextAsync()).Header.Step);
        Assert.Single(b.Log, line => line.Contains("the sink failed", StringComparison.Ordinal) && line.Contains("Step = 1", StringComparison.Ordinal));
        Assert.Equal(1, b.TrafficWith(a).Connections);
    }

    [Fact]
    public async Task Callback_hears_of_delivery_and_of_failure()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        a.Connect(b);
        Task<BulkDelivery> CallAsync(string node)
        {
            var outcome = new TaskCompletionSource<BulkDelivery>();
            a.Endpoint.Send(
                node,
                new BulkHeader { Kind = BulkKind.State },
                new byte[10],
                static (state, delivery, failure) =>
                {
                    var tell = (TaskCompletionSource<BulkDelivery>)state!;
                    _ = failure is null ? tell.TrySetResult(delivery) : tell.TrySetException(failure);
                },
                outcome);
            return outcome.Task;
        }

        Assert.Equal(BulkDelivery.Acknowledged, await CallAsync("b").WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<BulkException>(() => CallAsync("c"));
    }
}
