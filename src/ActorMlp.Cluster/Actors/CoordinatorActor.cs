using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Actors;

/// <summary>The coordinator: hands messages to <see cref="CoordinatorMachine"/> and carries out what it decides.</summary>
internal sealed class CoordinatorActor : ReceiveActor
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<WorkerId, IActorRef> workers = [];
    private readonly CoordinatorMachine machine;
    private readonly RunObserver observer;
    private readonly TimeProvider time;
    private readonly long began;
    private IActorRef parameterServer = ActorRefs.Nobody;

    public CoordinatorActor(RunShape shape, RunProgress start, RunObserver observer, TimeProvider time)
    {
        this.observer = observer;
        this.time = time;
        began = time.GetTimestamp();
        machine = new CoordinatorMachine(shape, start, PieceDealer.Whole(shape.ParameterLength));
        Coordinating();
    }

    private TimeSpan Now => time.GetElapsedTime(began);

    public static Props Props(RunShape shape, RunProgress start, RunObserver observer, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new CoordinatorActor(shape, start, observer, time));

    private void Coordinating()
    {
        Receive<WorkerJoined>(message =>
        {
            workers[message.Worker] = Sender;
            log.Info("{0} joined", message.Worker);
            Carry(machine.Handle(message));
        });
        Receive<ServerJoined>(message =>
        {
            parameterServer = Sender;
            Carry(machine.Handle(message));
        });
        Receive<RangeReady>(message => Carry(machine.Handle(message, Now)));
        Receive<WorkerFailed>(message =>
        {
            log.Warning("{0} failed{1}: {2}", message.Worker, message.Final ? " for good" : "", message.Reason);
            workers.Remove(message.Worker);
            Carry(machine.Handle(message, Now));
        });
        Receive<StepCommitted>(message => Carry(machine.Handle(message, Now)));
        Receive<BlocksEvaluated>(message => Carry(machine.Handle(message, Now)));
        Receive<CheckpointWritten>(message => Carry(machine.Handle(message)));
        Receive<CheckpointFailed>(message => Carry(machine.Handle(message)));
        Receive<BestRestored>(message => Carry(machine.Handle(message)));
        Receive<StepDiverged>(message => Carry(machine.Handle(message)));
        Receive<DuplicatesDiffer>(message => Carry(machine.Handle(message)));
        Receive<StopRequested>(message => Carry(machine.Handle(message)));
    }

    private void Carry(IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (CoordinatorEffect effect in effects)
        {
            switch (effect)
            {
                case PublishView publish:
                    log.Info("view {0}: {1}", publish.Message.View.Number, string.Join(", ", publish.Message.View.Ranges));
                    observer.Report(new ViewStands(publish.Message.View));
                    parameterServer.Tell(publish.Message);
                    foreach (IActorRef worker in workers.Values)
                    {
                        worker.Tell(publish.Message);
                    }

                    break;
                case TellWorker tell when workers.TryGetValue(tell.Worker, out IActorRef? worker):
                    worker.Tell(tell.Message);
                    break;
                case TellParameterServer tell:
                    parameterServer.Tell(tell.Message);
                    break;
                case Notify notify:
                    observer.Report(notify.Event);
                    break;
                case ConcludeRun conclude:
                    observer.Conclude(conclude.Conclusion);
                    break;
                case FailRun fail:
                    log.Error("the run failed: {0}", fail.Reason);
                    observer.Fail(fail.Reason);
                    break;
            }
        }
    }
}
