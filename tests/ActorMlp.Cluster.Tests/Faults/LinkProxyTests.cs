using System.Net;
using System.Net.Sockets;
using System.Numerics;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Cluster.Tests.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.Faults;

public sealed class LinkProxyTests
{
    private static readonly TimeProvider Time = TimeProvider.System;

    [Fact]
    public async Task Link_as_it_is_passes_bytes_both_ways_and_each_end_of_the_stream()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        byte[] there = BulkNode.Payload(1_000_003, 1), back = BulkNode.Payload(700_001, 2);
        Task sent = LinkedPair.SendAsync(pair.Client, there);
        Assert.Equal(there, await LinkedPair.ReadAsync(pair.Server, there.Length));
        await sent;
        pair.Client.Shutdown(SocketShutdown.Send);
        Assert.True(await LinkedPair.EndsAsync(pair.Server));

        // Half of the connection is over; the other goes on.
        sent = LinkedPair.SendAsync(pair.Server, back);
        Assert.Equal(back, await LinkedPair.ReadAsync(pair.Client, back.Length));
        await sent;
        pair.Server.Shutdown(SocketShutdown.Send);
        Assert.True(await LinkedPair.EndsAsync(pair.Client));
        await BulkNode.UntilAsync(() => pair.Link.Traffic.Open == 0, "the connection is over");
        Assert.Equal(new LinkTraffic(1, 0, there.Length, back.Length, 0, 0, 0), pair.Link.Traffic);
    }

    [Fact]
    public async Task Byte_takes_the_delay_of_each_direction_at_least_and_a_change_counts_at_once()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync(new LinkConditions { Delay = TimeSpan.FromMilliseconds(30) });
        await RoundTripAsync(pair);
        Assert.True(await RoundTripAsync(pair) >= TimeSpan.FromMilliseconds(60));
        pair.Link.Change(LinkDirections.Out, before => before with { Delay = TimeSpan.FromMilliseconds(120) });
        Assert.True(await RoundTripAsync(pair) >= TimeSpan.FromMilliseconds(150));
        Assert.Equal(TimeSpan.FromMilliseconds(30), pair.Link.ConditionsOf(LinkDirections.Back).Delay);
    }

    [Fact]
    public async Task Long_delay_does_not_divide_the_throughput()
    {
        // Chunk by chunk this would take at least 64 s: 128 chunks of 64 kB, half a second each.
        await using LinkedPair pair = await LinkedPair.CreateAsync(new LinkConditions { Delay = TimeSpan.FromSeconds(0.5) });
        byte[] payload = BulkNode.Payload(8 << 20, 1);
        long began = Time.GetTimestamp();
        Task sent = LinkedPair.SendAsync(pair.Client, payload);
        Assert.Equal(payload, await LinkedPair.ReadAsync(pair.Server, payload.Length));
        await sent;
        Assert.InRange(Time.GetElapsedTime(began), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Rate_is_shared_by_all_connections_and_kept()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync(new LinkConditions { BitsPerSecond = 4_000_000 });
        using Socket second = LinkedPair.Dial(pair.Address);
        using Socket secondServer = await pair.AcceptAsync();
        byte[] payload = BulkNode.Payload(100_000, 1);
        long began = Time.GetTimestamp();
        Task sent = Task.WhenAll(LinkedPair.SendAsync(pair.Client, payload), LinkedPair.SendAsync(second, payload));
        byte[][] received = await Task.WhenAll(LinkedPair.ReadAsync(pair.Server, payload.Length), LinkedPair.ReadAsync(secondServer, payload.Length));
        await sent;
        Assert.True(Time.GetElapsedTime(began) >= TimeSpan.FromSeconds(0.4), "200,000 bytes at 4 Mbit/s");
        Assert.All(received, bytes => Assert.Equal(payload, bytes));
    }

    [Fact]
    public async Task Loss_and_jitter_keep_content_and_order_both_ways()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync(
            new LinkConditions { Delay = TimeSpan.FromMilliseconds(2), Jitter = TimeSpan.FromMilliseconds(4), Loss = 0.02 });
        byte[] there = BulkNode.Payload(3_000_001, 3), back = BulkNode.Payload(2_000_003, 4);
        Task sent = Task.WhenAll(LinkedPair.SendAsync(pair.Client, there), LinkedPair.SendAsync(pair.Server, back));
        byte[][] received = await Task.WhenAll(LinkedPair.ReadAsync(pair.Server, there.Length), LinkedPair.ReadAsync(pair.Client, back.Length));
        await sent;
        Assert.Equal(there, received[0]);
        Assert.Equal(back, received[1]);
        Assert.True(pair.Link.Traffic.SegmentsLost > 10, "nothing was lost");
    }

    [Fact]
    public async Task Cut_holds_bytes_and_new_connections_until_it_is_healed()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        await RoundTripAsync(pair);
        pair.Link.Cut(LinkDirections.Out);
        await LinkedPair.SendAsync(pair.Client, new byte[] { 7 });
        using Socket second = LinkedPair.Dial(pair.Address);
        await LinkedPair.SendAsync(second, new byte[] { 8 });

        // The other direction works, long enough for the byte and the connection to have come through, were they not held.
        for (byte i = 0; i < 200; i++)
        {
            await LinkedPair.SendAsync(pair.Server, new[] { i });
            Assert.Equal([i], await LinkedPair.ReadAsync(pair.Client, 1));
        }

        Assert.Equal((1, 0), ((int)pair.Link.Traffic.BytesOut, pair.Server.Available));
        Assert.False(pair.SomebodyKnocks);
        pair.Link.Heal(LinkDirections.Out);
        Assert.Equal([7], await LinkedPair.ReadAsync(pair.Server, 1));
        using Socket secondServer = await pair.AcceptAsync();
        Assert.Equal([8], await LinkedPair.ReadAsync(secondServer, 1));
    }

    [Fact]
    public async Task Peer_that_breaks_the_connection_behind_a_cut_is_not_heard_of_before_it_is_healed()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        await RoundTripAsync(pair);
        pair.Link.Cut(LinkDirections.Both);
        pair.Client.Close(0);
        using Socket other = LinkedPair.Dial(pair.Address);
        await BulkNode.UntilAsync(() => pair.Link.Traffic is { Connections: 2, Open: 2 }, "the link goes on, with both connections open");
        pair.Link.Heal(LinkDirections.Both);
        await AssertResetAsync(pair.Server);
    }

    [Fact]
    public async Task Reset_breaks_connections_at_both_ends_and_the_next_one_works()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        await RoundTripAsync(pair);
        pair.Link.Reset();
        await AssertResetAsync(pair.Client);
        await AssertResetAsync(pair.Server);
        using Socket next = LinkedPair.Dial(pair.Address);
        using Socket nextServer = await pair.AcceptAsync();
        await LinkedPair.SendAsync(next, new byte[] { 9 });
        Assert.Equal([9], await LinkedPair.ReadAsync(nextServer, 1));
        await BulkNode.UntilAsync(() => pair.Link.Traffic.Open == 1, "the first connection is over");
    }

    [Theory]
    [InlineData(LinkDirections.Out)]
    [InlineData(LinkDirections.Back)]
    public async Task Corruption_flips_one_bit_once_in_the_direction_that_was_said(LinkDirections direction)
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        pair.Link.Corrupt(new LinkCorruptionOrder(2, direction));
        byte[] payload = BulkNode.Payload(500_000, 1);
        Task sent = Task.WhenAll(LinkedPair.SendAsync(pair.Client, payload), LinkedPair.SendAsync(pair.Server, payload));
        byte[][] received = await Task.WhenAll(LinkedPair.ReadAsync(pair.Server, payload.Length), LinkedPair.ReadAsync(pair.Client, payload.Length));
        await sent;
        int[] flipped = [.. received.Select(bytes => bytes.Zip(payload, (one, other) => BitOperations.PopCount((uint)(one ^ other))).Sum())];
        Assert.Equal(direction == LinkDirections.Out ? [1, 0] : [0, 1], flipped);
        Assert.Equal(1, pair.Link.Traffic.ChunksCorrupted);
    }

    [Fact]
    public async Task Chunk_that_breaks_its_connection_resets_both_ends_and_the_next_connection_is_held_for_a_while()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        await RoundTripAsync(pair);
        pair.Link.Change(LinkDirections.Out, before => before with { Breaks = 1 });
        long began = Time.GetTimestamp();
        await LinkedPair.SendAsync(pair.Client, new byte[] { 7 });
        await AssertResetAsync(pair.Client);
        await AssertResetAsync(pair.Server);
        pair.Link.Change(LinkDirections.Out, before => before with { Breaks = 0 });
        using Socket next = LinkedPair.Dial(pair.Address);
        using Socket nextServer = await pair.AcceptAsync();
        Assert.True(Time.GetElapsedTime(began) >= LinkConditions.Stall, "the connection was not held");
        Assert.Equal(1, pair.Link.Traffic.Broken);
        await LinkedPair.SendAsync(next, new byte[] { 8 });
        Assert.Equal([8], await LinkedPair.ReadAsync(nextServer, 1));
    }

    [Fact]
    public async Task Order_to_corrupt_that_two_links_have_is_carried_out_once()
    {
        await using LinkedPair first = await LinkedPair.CreateAsync();
        await using LinkedPair second = await LinkedPair.CreateAsync();
        var order = new LinkCorruptionOrder(1, LinkDirections.Both);
        first.Link.Corrupt(order);
        second.Link.Corrupt(order);
        foreach (LinkedPair pair in new[] { second, first })
        {
            await LinkedPair.SendAsync(pair.Client, new byte[] { 0 });
            byte[] received = await LinkedPair.ReadAsync(pair.Server, 1);
            Assert.Equal(pair == second ? 1 : 0, BitOperations.PopCount(received[0]));
        }

        Assert.Equal((0, 1), ((int)first.Link.Traffic.ChunksCorrupted, (int)second.Link.Traffic.ChunksCorrupted));
    }

    [Fact]
    public async Task Connections_go_where_the_function_says_over_the_link_that_it_says()
    {
        using Socket left = LinkedPair.Listen(), right = LinkedPair.Listen();
        await using var toLeft = new Link(1, new LinkConditions(), Time, NullLogger.Instance);
        await using var toRight = new Link(2, new LinkConditions(), Time, NullLogger.Instance);
        var routes = new Queue<LinkRoute?>([new(toLeft, (IPEndPoint)left.LocalEndPoint!), null, new(toRight, (IPEndPoint)right.LocalEndPoint!)]);
        await using LinkProxy proxy = LinkProxy.Start(new IPEndPoint(IPAddress.Loopback, 0), _ => routes.Dequeue(), NullLogger.Instance);
        using Socket first = LinkedPair.Dial(proxy.Address);
        using Socket atLeft = await left.AcceptAsync(TestContext.Current.CancellationToken);
        using Socket nowhere = LinkedPair.Dial(proxy.Address);
        await AssertResetAsync(nowhere);
        using Socket third = LinkedPair.Dial(proxy.Address);
        using Socket atRight = await right.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal((1, 1), ((int)toLeft.Traffic.Connections, (int)toRight.Traffic.Connections));

        // A proxy that is closed leaves connections to their links.
        await proxy.DisposeAsync();
        await LinkedPair.SendAsync(third, new byte[] { 3 });
        Assert.Equal([3], await LinkedPair.ReadAsync(atRight, 1));
        toLeft.Reset();
        await AssertResetAsync(first);
        await AssertResetAsync(atLeft);
    }

    [Fact]
    public async Task Target_that_is_not_there_resets_the_connection_and_is_named_in_the_log()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var log = new TestLog();
        await using LinkedProxy link = LinkedPair.StartLink((IPEndPoint)nobody.LocalEndPoint!, log: log.CreateLogger("link"));
        using Socket client = LinkedPair.Dial(link.Address);
        await AssertResetAsync(client);
        await BulkNode.UntilAsync(() => log.Lines.Any(line => line.Contains($"cannot reach {nobody.LocalEndPoint}", StringComparison.Ordinal)), "the target is named");
    }

    [Fact]
    public async Task Connection_that_was_not_redirected_is_closed_by_a_link_without_a_target()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "redirection is Linux's");
        var log = new TestLog();
        await using LinkedProxy link = LinkedPair.StartLink(null, log: log.CreateLogger("link"));
        using Socket client = LinkedPair.Dial(link.Address);
        await AssertResetAsync(client);
        await BulkNode.UntilAsync(() => log.Lines.Any(line => line.Contains($"from {client.LocalEndPoint}: it was not redirected", StringComparison.Ordinal)), "the reason is logged");
    }

    [Fact]
    public async Task Address_that_is_taken_is_refused_by_name()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        NodeException refused = Assert.Throws<NodeException>(() => LinkProxy.Start(
            new LinkProxyOptions { Listen = pair.Address, Target = pair.Address }, pair.Link, NullLogger.Instance));
        Assert.Contains($"cannot listen at {pair.Address}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_out_of_their_range_are_refused_and_change_nothing()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync(new LinkConditions { Loss = 0.1 });
        ArgumentException refused = Assert.Throws<ArgumentException>(() => pair.Link.Change(LinkDirections.Both, before => before with { Loss = 0.6 }));
        Assert.Contains("loss is 0.6; allowed: 0 to 0.5", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0.1, pair.Link.ConditionsOf(LinkDirections.Out).Loss);
    }

    private static async Task<TimeSpan> RoundTripAsync(LinkedPair pair)
    {
        long began = Time.GetTimestamp();
        await LinkedPair.SendAsync(pair.Client, new byte[] { 1 });
        await LinkedPair.ReadAsync(pair.Server, 1);
        await LinkedPair.SendAsync(pair.Server, new byte[] { 2 });
        await LinkedPair.ReadAsync(pair.Client, 1);
        return Time.GetElapsedTime(began);
    }

    private static async Task AssertResetAsync(Socket socket)
    {
        SocketException broken = await Assert.ThrowsAsync<SocketException>(
            () => socket.ReceiveAsync(new byte[1], SocketFlags.None).WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.ConnectionReset, broken.SocketErrorCode);
    }
}
