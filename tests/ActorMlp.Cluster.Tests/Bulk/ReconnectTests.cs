using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class ReconnectTests
{
    [Fact]
    public async Task Frames_arrive_exactly_once_and_in_order_however_often_the_connection_is_cut()
    {
        const int Frames = 400;

        // A small window, so that frames are always on their way.
        Func<BulkOptions, BulkOptions> narrow = options => options with { MaxFrameBytes = 100_000, WindowBytes = 200_000 };
        await using var a = new BulkNode("a", narrow);
        await using var b = new BulkNode("b", narrow);
        await using var proxy = new TcpProxy(b.Endpoint.Address);
        a.Connect(b, proxy.Address);
        await b.NextEventAsync();
        List<Task<BulkDelivery>> sent = [];
        byte[][] payloads = [.. Enumerable.Range(0, 7).Select(seed => BulkNode.Payload(20_000 + 7919 * seed, seed))];
        for (int step = 0; step < Frames; step++)
        {
            sent.Add(a.Send(b, step, payloads[step % 7]).AsTask());
            sent.Add(b.Send(a, step, payloads[step % 7]).AsTask());
        }

        for (int step = 0; step < Frames; step++)
        {
            if (step % 10 == 7)
            {
                // Somewhere within a frame that is still to come, a different place each time.
                proxy.CutAfter(1 + 11_003 * (step % 9));
            }

            foreach (BulkNode node in new[] { a, b })
            {
                Arrival arrival = await node.NextAsync();
                Assert.Equal(step, arrival.Header.Step);
                Assert.Equal(payloads[step % 7], arrival.Payload);
            }
        }

        Assert.All(await Task.WhenAll(sent), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
        Assert.True(a.TrafficWith(b).Connections > 3, "the connection was cut");
        Assert.True(a.TrafficWith(b).FramesResent > 0, "nothing was sent again");
        Assert.Equal(Frames, b.TrafficWith(a).FramesReceived);
        Assert.True(a.NothingArrived && b.NothingArrived);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(5_000)]
    [InlineData(900_000)]
    public async Task Byte_changed_on_its_way_closes_the_connection_with_a_reason_and_the_frame_comes_whole(int at)
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        await using var proxy = new TcpProxy(b.Endpoint.Address);
        a.Connect(b, proxy.Address);
        await a.Send(b, 0, new byte[10]);
        await b.NextAsync();
        proxy.CorruptAfter(at);
        byte[][] payloads = [.. Enumerable.Range(1, 10).Select(step => BulkNode.Payload(100_000, step))];
        for (int step = 1; step <= 10; step++)
        {
            Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, step, payloads[step - 1]));
            Arrival arrival = await b.NextAsync();
            Assert.Equal(step, arrival.Header.Step);
            Assert.Equal(payloads[step - 1], arrival.Payload);
        }

        Assert.Equal(2, b.TrafficWith(a).Connections);
        Assert.Equal(1, a.TrafficWith(b).FramesResent);
        string line = Assert.Single(b.Log, line => line.Contains("lost", StringComparison.Ordinal));
        Assert.Matches("lost a \\(127\\.0\\.0\\.1:\\d+\\): .*checksum", line);
        Assert.True(b.NothingArrived);
    }

    [Fact]
    public async Task Silent_connection_is_given_up_and_made_again()
    {
        Func<BulkOptions, BulkOptions> impatient = options => options with { HeartbeatInterval = TimeSpan.FromMilliseconds(50), MissedHeartbeats = 10 };
        await using var a = new BulkNode("a", impatient);
        await using var b = new BulkNode("b", impatient);
        await using var proxy = new TcpProxy(b.Endpoint.Address);
        a.Connect(b, proxy.Address);
        await a.Send(b, 0, new byte[10]);
        proxy.Stall();
        ValueTask<BulkDelivery> waiting = a.Send(b, 1, BulkNode.Payload(100_000, 1));
        PeerEvent lost = await a.EventAsync(change => !change.IsConnected);
        Assert.Contains("nothing came for", lost.Reason, StringComparison.Ordinal);
        Assert.False(lost.Final);
        proxy.Flow();
        Assert.Equal(BulkDelivery.Acknowledged, await waiting);
        Assert.Equal(0, (await b.NextAsync()).Header.Step);
        Assert.Equal(1, (await b.NextAsync()).Header.Step);
        Assert.True(b.NothingArrived);
    }

    [Fact]
    public async Task Idle_connection_stays()
    {
        Func<BulkOptions, BulkOptions> impatient = options => options with { HeartbeatInterval = TimeSpan.FromMilliseconds(20), MissedHeartbeats = 20 };
        await using var a = new BulkNode("a", impatient);
        await using var b = new BulkNode("b", impatient);
        a.Connect(b);
        await a.NextEventAsync();
        await BulkNode.UntilAsync(() => b.Endpoint.Traffic.Any(traffic => traffic.BytesReceived > 50 * 192), "fifty signs of life");
        Assert.Equal(1, a.TrafficWith(b).Connections);
    }

    [Fact]
    public async Task Peer_that_restarts_fails_what_waits_and_what_comes_later_goes_to_the_new_process()
    {
        await using var a = new BulkNode("a");
        var b = new BulkNode("b", options => options with { MaxFrameBytes = 20_000, WindowBytes = 20_000 }) { Holds = true };
        await using var proxy = new TcpProxy(b.Endpoint.Address);
        a.Connect(b, proxy.Address);
        Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, 0, new byte[15_000]));
        ulong session = (await a.NextEventAsync()).Peer.Session;

        // The window is used up: these two wait, and their process dies without a goodbye.
        Task<BulkDelivery>[] waiting = [a.Send(b, 1, new byte[15_000]).AsTask(), a.Send(b, 2, new byte[15_000]).AsTask()];
        proxy.Stall();
        proxy.Cut();
        await using var reborn = new BulkNode("b");
        a.Connect(reborn);
        foreach (Task<BulkDelivery> task in waiting)
        {
            BulkPeerRestartedException failure = await Assert.ThrowsAsync<BulkPeerRestartedException>(() => task.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
            Assert.Contains("b restarted", failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(BulkDelivery.Acknowledged, await a.Send(reborn, 3, new byte[15_000]));
        Assert.Equal(3, (await reborn.NextAsync()).Header.Step);
        Assert.NotEqual(session, (await a.EventAsync(change => change.IsConnected)).Peer.Session);
        Assert.True(reborn.NothingArrived);

        // Buffers of the old session give their credit to nobody.
        while (b.HeldCount > 0)
        {
            b.ReleaseOne();
        }

        await b.DisposeAsync();
    }

    [Fact]
    public async Task Disconnect_ends_the_session_at_both_ends_and_connecting_again_begins_another()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b", options => options with { MaxFrameBytes = 20_000, WindowBytes = 20_000 }) { Holds = true };
        a.Connect(b);
        await a.Send(b, 0, new byte[15_000]);
        Task<BulkDelivery> there = a.Send(b, 1, new byte[15_000]).AsTask();
        await a.Endpoint.DisconnectAsync("b");
        Assert.Contains("ended by this node", (await Assert.ThrowsAsync<BulkDisconnectedException>(() => there)).Message, StringComparison.Ordinal);
        PeerEvent lost = await b.EventAsync(change => !change.IsConnected);
        Assert.True(lost.Final);
        Assert.Contains("the peer ended the session", lost.Reason, StringComparison.Ordinal);
        await BulkNode.UntilAsync(() => b.Send(a, 5, default).AsTask().IsFaulted, "nobody is connected");
        a.Connect(b);
        b.Holds = false;
        Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, 2, new byte[15_000]));
        Assert.Equal(0, (await b.NextAsync()).Header.Step);
        Assert.Equal(2, (await b.NextAsync()).Header.Step);
        b.ReleaseOne();
    }

    [Fact]
    public async Task Node_that_is_not_there_yet_is_connected_with_when_it_comes_and_the_log_says_so_once()
    {
        using var placeholder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        placeholder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var a = new BulkNode("a");
        a.Endpoint.Connect("b", (IPEndPoint)placeholder.LocalEndPoint!);
        ValueTask<BulkDelivery> waiting = a.Endpoint.Send("b", new BulkHeader { Kind = BulkKind.Weights }, new byte[1000]);
        await BulkNode.UntilAsync(() => a.Log.Any(line => line.Contains("cannot reach b", StringComparison.Ordinal)), "an attempt has failed");
        await using var b = new BulkNode("b");
        a.Connect(b);
        Assert.Equal(BulkDelivery.Acknowledged, await waiting);
        Assert.Single(a.Log, line => line.Contains("cannot reach b", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Node_with_another_name_at_the_address_is_not_taken_for_the_one_that_was_dialled()
    {
        await using var a = new BulkNode("a");
        await using var c = new BulkNode("c");
        a.Endpoint.Connect("b", c.Endpoint.Address);
        await BulkNode.UntilAsync(() => a.Log.Any(line => line.Contains("this is c, not b", StringComparison.Ordinal)), "the name was refused");
        Assert.Contains(c.Log, line => line.Contains("this is c, not b", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_that_dial_at_once_agree_on_one_connection_every_time()
    {
        for (int round = 0; round < 30; round++)
        {
            await using var a = new BulkNode("a");
            await using var b = new BulkNode("b");
            Parallel.Invoke(() => a.Connect(b), () => b.Connect(a));
            Task<BulkDelivery>[] sent = [a.Send(b, 0, new byte[100]).AsTask(), b.Send(a, 0, new byte[100]).AsTask()];
            Assert.All(await Task.WhenAll(sent).WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
            Assert.Equal((1, 1), (a.TrafficWith(b).Connections, b.TrafficWith(a).Connections));
        }
    }
}
