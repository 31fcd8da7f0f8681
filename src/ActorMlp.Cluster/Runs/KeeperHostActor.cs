using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Messages;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <summary>The parent of a keeper and of its process's bulk plane.</summary>
internal sealed class KeeperHostActor : ReceiveActor
{
    private readonly Func<IBulkSink, IActorRef, Props> bulkPlane;
    private readonly BulkHub hub;
    private readonly TaskCompletionSource<KeptRun> end;
    private IActorRef child = ActorRefs.Nobody;
    private StopRequested? stopRequested;

    public KeeperHostActor(
        Func<IBulkSink, IActorRef, Props> bulkPlane, BulkHub hub, Func<BulkEndpoint, Props> keeper, TaskCompletionSource<KeptRun> end)
    {
        this.bulkPlane = bulkPlane;
        this.hub = hub;
        this.end = end;
        Receive<BulkPlaneReady>(message =>
        {
            child = Context.ActorOf(keeper(message.Endpoint), "keeper");
            if (stopRequested is not null)
            {
                child.Tell(stopRequested);
            }
        });
        Receive<StopRequested>(message =>
        {
            stopRequested = message;
            child.Tell(message);
        });
        Receive<DataWanted>(message => child.Forward(message));
        Receive<BulkPeerRefused>(message => child.Forward(message));
        ReceiveAny(_ =>
        {
            // Connections that come and go are the business of the run.
        });
    }

    protected override void PreStart() => Context.ActorOf(bulkPlane(hub, Self), "bulk");

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(failure =>
    {
        end.TrySetException(failure);
        return Directive.Stop;
    });
}
