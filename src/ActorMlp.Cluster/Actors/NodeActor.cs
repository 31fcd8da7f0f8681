using ActorMlp.Training.Messages;
using Akka.Actor;

namespace ActorMlp.Cluster.Actors;

/// <summary>
/// A node: the parent of its parameter server and its workers. A worker that fails is restarted, up to the limit; then it is given up, and
/// the coordinator told. A parameter server that fails ends the run: its state is the run.
/// </summary>
internal sealed class NodeActor : ReceiveActor
{
    private readonly int workers;
    private readonly int restartLimit;
    private readonly Func<Props> parameterServerProps;
    private readonly Func<WorkerSlot, IActorRef, Props> workerProps;
    private readonly RunObserver observer;
    private readonly Dictionary<IActorRef, WorkerSlot> slots = [];
    private IActorRef parameterServer = ActorRefs.Nobody;

    public NodeActor(
        int workers,
        int restartLimit,
        Func<Props> parameterServerProps,
        Func<WorkerSlot, IActorRef, Props> workerProps,
        IActorRef coordinator,
        RunObserver observer)
    {
        this.workers = workers;
        this.restartLimit = restartLimit;
        this.parameterServerProps = parameterServerProps;
        this.workerProps = workerProps;
        this.observer = observer;
        Receive<Terminated>(message =>
        {
            if (slots.Remove(message.ActorRef, out WorkerSlot? slot))
            {
                coordinator.Tell(new WorkerFailed(slot.Current, $"it failed more than {restartLimit} times", Final: true));
            }
        });
    }

    protected override void PreStart()
    {
        parameterServer = Context.ActorOf(parameterServerProps(), "parameter-server");
        for (int number = 0; number < workers; number++)
        {
            var slot = new WorkerSlot(number);
            IActorRef worker = Context.ActorOf(workerProps(slot, parameterServer), $"worker-{number}");
            slots[worker] = slot;
            Context.Watch(worker);
        }
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(
        restartLimit,
        withinTimeRange: null,
        failure =>
        {
            if (!Sender.Equals(parameterServer))
            {
                return Directive.Restart;
            }

            observer.Fail($"the parameter server failed: {failure.GetBaseException().Message}");
            return Directive.Stop;
        });
}
