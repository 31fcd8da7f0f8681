using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Tests.Bulk;

namespace ActorMlp.Cluster.Tests.Runs;

public sealed class RunLinksTests
{
    private const ulong Run = 7;

    private readonly SharedBuffers buffers = new(16);

    [Fact]
    public async Task Node_that_the_bulk_plane_has_forgotten_is_dialled_again_when_it_is_back()
    {
        await using var a = new BulkNode("a");
        await using var b = new BulkNode("b");
        var links = new RunLinks(a.Endpoint, Run);
        links.Connect(b.Id, b.Endpoint.Address.ToString(), 1);
        SendState(links, 1);
        Assert.Equal(1, (await b.NextAsync()).Header.Step);
        await a.Endpoint.DisconnectAsync(b.Id);
        links.Connect(b.Id, b.Endpoint.Address.ToString(), 4);
        SendState(links, 2);
        Assert.Equal(2, (await b.NextAsync()).Header.Step);
    }

    [Fact]
    public async Task Frame_for_a_node_that_is_back_reaches_it_although_the_session_with_the_one_before_was_not_over()
    {
        await using var a = new BulkNode("a");
        await using var before = new BulkNode("b");
        await using var proxy = new TcpProxy(before.Endpoint.Address);
        var links = new RunLinks(a.Endpoint, Run);
        links.Connect("b", proxy.Address.ToString(), 1);
        SendState(links, 1);
        Assert.Equal(1, (await before.NextAsync()).Header.Step);

        // The process is gone, and nobody has noticed: both frames wait for it.
        proxy.Stall();
        SendState(links, 2);
        await using var back = new BulkNode("b");
        links.Connect("b", back.Endpoint.Address.ToString(), 4);
        SendState(links, 3);
        proxy.Cut();
        Assert.Equal(3, (await back.NextAsync()).Header.Step);
        SendState(links, 4);
        Assert.Equal(4, (await back.NextAsync()).Header.Step);
        Assert.True(back.NothingArrived, "what was meant for the process before arrived");
    }

    private void SendState(RunLinks links, long step)
    {
        SharedBuffer state = buffers.Rent();
        links.SendState("b", arrangement: 1, step, slot: 0, offset: 0, state, stateOffset: 0, length: 16);
        state.Release();
    }
}
