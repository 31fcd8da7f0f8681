using System.Net;
using System.Threading.Channels;
using ActorMlp.Cluster.Bulk;
using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class BulkPlaneActorTests
{
    [Fact]
    public async Task Actor_owns_an_endpoint_and_tells_of_peers_that_come_and_go()
    {
        using var system = ActorSystem.Create("bulk-plane", "akka.loglevel = OFF\nakka.stdout-loglevel = OFF");
        await using var other = new BulkNode("other");
        var heard = Channel.CreateUnbounded<object>();
        IActorRef client = system.ActorOf(Props.Create(() => new Listener(heard)));
        Props props = BulkPlaneActor.Props(
            new BulkOptions { NodeId = "self", Security = BulkSecurity.None },
            new IPEndPoint(IPAddress.Loopback, 0),
            other,
            TimeProvider.System,
            NullLogger.Instance,
            client);
        IActorRef plane = system.ActorOf(props);
        BulkEndpoint endpoint = (await HearAsync<BulkPlaneReady>(heard)).Endpoint;
        plane.Tell(new ConnectBulkPeer("other", other.Endpoint.Address));
        Assert.Equal("other", (await HearAsync<BulkPeerConnected>(heard)).Peer.NodeId);
        Assert.Equal(BulkDelivery.Acknowledged, await endpoint.Send("other", new BulkHeader { Kind = BulkKind.Weights, Step = 4 }, new byte[1000]));
        Assert.Equal(4, (await other.NextAsync()).Header.Step);
        plane.Tell(new DisconnectBulkPeer("other"));
        Assert.True((await HearAsync<BulkPeerLost>(heard)).Final);
        Assert.Equal("other", (await HearAsync<BulkPeerDisconnected>(heard)).NodeId);

        // When its actor stops, the endpoint says goodbye and closes.
        plane.Tell(new ConnectBulkPeer("other", other.Endpoint.Address));
        await HearAsync<BulkPeerConnected>(heard);
        system.Stop(plane);
        Assert.True((await HearAsync<BulkPeerLost>(heard)).Final);
    }

    private static async Task<T> HearAsync<T>(Channel<object> heard) =>
        Assert.IsType<T>(await heard.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(BulkNode.Patience));

    private sealed class Listener : ReceiveActor
    {
        public Listener(Channel<object> heard) => ReceiveAny(message => heard.Writer.TryWrite(message));
    }
}
