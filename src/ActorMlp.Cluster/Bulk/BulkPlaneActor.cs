using System.Net;
using Akka.Actor;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>
/// The owner of a node's bulk endpoint: starts it, closes it, connects and disconnects as it is told, and tells its client of peers that come and go. Frames
/// never pass through a mailbox.
/// </summary>
internal sealed class BulkPlaneActor : ReceiveActor
{
    private readonly Func<IBulkObserver, BulkEndpoint> start;
    private readonly IActorRef client;
    private BulkEndpoint? endpoint;

    public BulkPlaneActor(Func<IBulkObserver, BulkEndpoint> start, IActorRef client)
    {
        this.start = start;
        this.client = client;
        Receive<ConnectBulkPeer>(message => endpoint!.Connect(message.NodeId, message.Address));
        Receive<DisconnectBulkPeer>(message => endpoint!.DisconnectAsync(message.NodeId).PipeTo(
            client,
            Self,
            success: () => new BulkPeerDisconnected(message.NodeId),
            failure: exception => new Status.Failure(exception)));
    }

    /// <summary>An actor that starts an endpoint.</summary>
    /// <param name="options">How the endpoint behaves.</param>
    /// <param name="listenAt">Where it listens.</param>
    /// <param name="sink">Takes frames.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where the endpoint logs.</param>
    /// <param name="client">Hears <see cref="BulkPlaneReady"/>, <see cref="BulkPeerConnected"/>, <see cref="BulkPeerLost"/>, <see cref="BulkPeerRefused"/>, <see cref="BulkPeerDisconnected"/>.</param>
    public static Props Props(BulkOptions options, IPEndPoint listenAt, IBulkSink sink, TimeProvider time, ILogger log, IActorRef client)
    {
        Func<IBulkObserver, BulkEndpoint> start = observer => BulkEndpoint.Start(options, listenAt, sink, observer, time, log);
        return Akka.Actor.Props.Create(() => new BulkPlaneActor(start, client));
    }

    protected override void PreStart()
    {
        endpoint = start(new TellingObserver(client, Self));
        client.Tell(new BulkPlaneReady(endpoint), Self);
    }

    // An actor cannot wait in here; the endpoint says its goodbyes by itself.
    protected override void PostStop() => _ = endpoint?.DisposeAsync().AsTask();

    private sealed class TellingObserver(IActorRef client, IActorRef self) : IBulkObserver
    {
        public void Connected(BulkPeer peer) => client.Tell(new BulkPeerConnected(peer), self);

        public void Lost(BulkPeer peer, string reason, bool final) => client.Tell(new BulkPeerLost(peer, reason, final), self);

        public void Refused(string nodeId) => client.Tell(new BulkPeerRefused(nodeId), self);
    }
}
