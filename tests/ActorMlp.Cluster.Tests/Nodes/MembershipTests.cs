using ActorMlp.Cluster.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class MembershipTests
{
    [Fact]
    public async Task Nodes_join_talk_and_leave()
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(2, NodeSecurity.LoopbackOnly);
        await using TestNode first = nodes[0], second = nodes[1];
        Assert.Equal(NodeRoles.All.Order(StringComparer.Ordinal), first.Host.Cluster.SelfRoles.Order(StringComparer.Ordinal));
        await first.PingAsync(second);
        await second.PingAsync(first);

        await second.Host.LeaveAsync();
        Assert.Equal(NodeEnd.Left, await second.Host.Ended);
        await first.WaitForMembersAsync(1);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_error()
    {
        await using TestNode first = await TestNode.StartAsync(NodeSecurity.LoopbackOnly);
        var options = new NodeOptions { Listen = first.Host.Address, DataDirectory = Path.GetTempPath() };
        NodeException error = await Assert.ThrowsAsync<NodeException>(
            () => NodeHost.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System));
        Assert.Contains($"cannot start at {first.Host.Address}", error.Message, StringComparison.Ordinal);
        Assert.Contains("in use", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_node_that_leaves_before_it_is_up_says_so()
    {
        await using TestNode first = await TestNode.StartAsync(NodeSecurity.LoopbackOnly);
        await first.Host.LeaveAsync();

        // Nobody answers there any more.
        await using TestNode alone = await TestNode.StartAsync(NodeSecurity.LoopbackOnly, first);
        Task waiting = alone.Host.WaitUntilUpAsync(TestContext.Current.CancellationToken);
        await alone.Host.LeaveAsync();
        await Assert.ThrowsAsync<NodeException>(() => waiting);
    }
}
