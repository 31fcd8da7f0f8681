using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Tests.Bulk;

namespace ActorMlp.Cluster.Tests.Faults;

/// <summary>The bulk plane over links that misbehave.</summary>
public sealed class LinkedBulkTests
{
    [Fact]
    public async Task Corrupted_frame_closes_the_connection_with_a_reason_nothing_of_it_is_applied_and_it_comes_whole()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        await using LinkedProxy link = LinkedPair.StartLink(b.Endpoint.Address, seed: 5);
        a.Connect(b, link.Address);
        for (int round = 1; round <= 5; round++)
        {
            long before = link.Link.Traffic.ChunksCorrupted;
            Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, 2 * round, new byte[10]));
            Assert.Equal(2 * round, (await b.NextAsync()).Header.Step);
            link.Link.Corrupt(new LinkCorruptionOrder(round, LinkDirections.Out));
            byte[] payload = BulkNode.Payload(1_000_000, round);
            Assert.Equal(BulkDelivery.Acknowledged, await a.Send(b, 2 * round + 1, payload));
            Arrival arrival = await b.NextAsync();
            Assert.Equal(2 * round + 1, arrival.Header.Step);
            Assert.Equal(payload, arrival.Payload);
            Assert.Equal(before + 1, link.Link.Traffic.ChunksCorrupted);
        }

        Assert.True(b.NothingArrived);
        Assert.Equal(6, b.TrafficWith(a).Connections);
        Assert.Equal(5, a.TrafficWith(b).FramesResent);
        Assert.Equal(10, b.TrafficWith(a).FramesReceived);
        string[] lost = [.. b.Log.Where(line => line.Contains("lost", StringComparison.Ordinal))];
        Assert.Equal(5, lost.Length);
        Assert.All(lost, line => Assert.Matches("lost a \\(127\\.0\\.0\\.1:\\d+\\): .*(checksum|magic)", line));
    }

    [Fact]
    public async Task Frames_arrive_once_and_in_order_over_a_link_that_delays_loses_and_resets()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        await using LinkedProxy link = LinkedPair.StartLink(
            b.Endpoint.Address, new LinkConditions { Delay = TimeSpan.FromMilliseconds(1), Jitter = TimeSpan.FromMilliseconds(1), Loss = 0.005 }, seed: 6);
        a.Connect(b, link.Address);
        await b.NextEventAsync();
        List<Task<BulkDelivery>> sent = [];
        for (int step = 0; step < 60; step++)
        {
            // Not all at once: those that are sent after a reset need another connection.
            for (int next = step; step % 20 == 0 && next < step + 20; next++)
            {
                sent.Add(a.Send(b, next, BulkNode.Payload(50_000 + next, next)).AsTask());
                sent.Add(b.Send(a, next, BulkNode.Payload(50_000 + next, next)).AsTask());
            }

            foreach (BulkNode node in new[] { a, b })
            {
                Arrival arrival = await node.NextAsync();
                Assert.Equal(step, arrival.Header.Step);
                Assert.Equal(BulkNode.Payload(50_000 + step, step), arrival.Payload);
            }

            if (step % 20 == 10)
            {
                link.Link.Reset();
            }
        }

        Assert.All(await Task.WhenAll(sent), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
        Assert.True(a.NothingArrived && b.NothingArrived);
        Assert.True(a.TrafficWith(b).Connections > 1, "the connection was reset");
    }

    [Fact]
    public async Task Frames_arrive_once_and_in_order_over_a_link_that_breaks_connections_at_random()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        await using LinkedProxy link = LinkedPair.StartLink(b.Endpoint.Address, new LinkConditions { Breaks = 0.05 }, seed: 7);
        a.Connect(b, link.Address);
        List<Task<BulkDelivery>> sent = [];
        for (int step = 0; step < 40; step++)
        {
            sent.Add(a.Send(b, step, BulkNode.Payload(50_000 + step, step)).AsTask());
        }

        for (int step = 0; step < 40; step++)
        {
            Arrival arrival = await b.NextAsync();
            Assert.Equal(step, arrival.Header.Step);
            Assert.Equal(BulkNode.Payload(50_000 + step, step), arrival.Payload);
        }

        Assert.All(await Task.WhenAll(sent), delivery => Assert.Equal(BulkDelivery.Acknowledged, delivery));
        Assert.True(b.NothingArrived);
        Assert.True(link.Link.Traffic.Broken > 0, "no connection was broken");
    }
}
