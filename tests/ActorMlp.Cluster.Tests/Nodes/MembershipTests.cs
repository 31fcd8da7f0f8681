using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class MembershipTests
{
    [Fact]
    public async Task Nodes_join_talk_and_leave()
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(2, NodeSecurity.LoopbackOnly);
        await using TestNode first = nodes[0], second = nodes[1];
        Assert.Equal(NodeRoles.All.Order(), first.Host.Cluster.SelfRoles.Order());
        await first.PingAsync(second);
        await second.PingAsync(first);

        await second.Host.LeaveAsync();
        Assert.Equal(NodeEnd.Left, await second.Host.Ended);
        await first.WaitForMembersAsync(1);
    }
}
