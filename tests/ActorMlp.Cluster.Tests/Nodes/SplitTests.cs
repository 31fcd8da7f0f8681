using ActorMlp.Cluster.Nodes;
using Akka.Actor;
using Akka.Remote;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class SplitTests
{
    [Fact]
    public async Task A_node_that_is_cut_off_is_removed_and_ends_itself()
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(3, NodeSecurity.LoopbackOnly);
        await using TestNode first = nodes[0], second = nodes[1], lost = nodes[2];

        // Its sockets close and none opens again, while its actors live on: as if its cable were pulled.
        var provider = (RemoteActorRefProvider)((ExtendedActorSystem)lost.Host.System).Provider;
        await provider.Transport.Shutdown();

        await Task.WhenAll(first.WaitForMembersAsync(2), second.WaitForMembersAsync(2));
        Assert.Equal(NodeEnd.Removed, await lost.Host.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await first.PingAsync(second);
    }
}
