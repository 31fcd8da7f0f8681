using ActorMlp.Cluster.Compute;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Actors;

/// <summary>What a parameter server works with.</summary>
/// <param name="Setup">The run.</param>
/// <param name="Store">Weights and optimizer.</param>
/// <param name="Pool">The threads that compute.</param>
/// <param name="Computer">What the workers compute with.</param>
/// <param name="Checkpoints">Where checkpoints go.</param>
internal sealed record ParameterServerResources(
    RunSetup Setup, ParameterStore Store, ComputePool Pool, NodeComputer Computer, CheckpointWriter Checkpoints);

/// <summary>The parameter server: hands messages to <see cref="ParameterServerMachine"/> and carries out what it decides. Updates run on the pool.</summary>
internal sealed class ParameterServerActor : ReceiveActor
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SortedDictionary<int, IActorRef> workers = [];
    private readonly RunShape shape;
    private readonly ParameterServerResources resources;
    private readonly IActorRef coordinator;
    private readonly ParameterServerMachine machine;

    public ParameterServerActor(RunShape shape, ParameterServerResources resources, IActorRef coordinator)
    {
        this.shape = shape;
        this.resources = resources;
        this.coordinator = coordinator;
        machine = new ParameterServerMachine(shape, self: 0);
        Receive<WorkerJoined>(message => workers[message.Worker.Number] = Sender);
        Receive<SubtreeComputed>(message => Carry(machine.Handle(message)));
        Receive<UpdateApplied>(message => Carry(machine.Handle(message)));
        Receive<ViewPublished>(message => Carry(machine.Handle(message)));
        Receive<ContinueTraining>(message => Carry(machine.Handle(message)));
        Receive<HoldTraining>(message => Carry(machine.Handle(message)));
        Receive<WriteCheckpoint>(message => Carry(machine.Handle(message)));
        Receive<RestoreBest>(message => Carry(machine.Handle(message)));
        Receive<CheckpointWritten>(coordinator.Tell);
        Receive<CheckpointFailed>(coordinator.Tell);
        Receive<BestRestored>(coordinator.Tell);
        Receive<Status.Failure>(message => throw new InvalidOperationException(message.Cause.GetBaseException().Message, message.Cause));
    }

    public static Props Props(RunShape shape, ParameterServerResources resources, IActorRef coordinator) =>
        Akka.Actor.Props.Create(() => new ParameterServerActor(shape, resources, coordinator));

    protected override void PreStart() => coordinator.Tell(new ServerJoined(0));

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    // The store has held the weights since before the run began.
                    Carry(machine.Handle(new RangeAcquired(acquire.Arrangement.Number)));
                    break;
                case OpenStep open:
                    foreach (IActorRef worker in workers.Values)
                    {
                        worker.Tell(open.Message);
                    }

                    break;
                case ApplyUpdate apply:
                    Apply(apply);
                    break;
                case TellCoordinator tell:
                    coordinator.Tell(tell.Message);
                    break;
                case SaveCheckpoint save:
                    log.Debug("checkpoint {0} at step {1}", save.Kind, save.Progress.Step);
                    ParameterStore store = resources.Store;
                    resources.Checkpoints.Save(
                        save.Kind,
                        CheckpointDraft.Copy(
                            resources.Setup, store.Parameters, [.. store.Updater.Slots, .. resources.Computer.ResidualsOf(save.Progress.Step)], save.Progress),
                        Self);
                    break;
                case LoadBest load:
                    RestoreBestAsync(load.Step).PipeTo(Self, Self);
                    break;
            }
        }
    }

    private async Task<BestRestored> RestoreBestAsync(long step)
    {
        string last = resources.Setup.Network.Layout.Sha256(resources.Store.Parameters);
        Checkpoint best = await resources.Checkpoints.LoadBestAsync(step).ConfigureAwait(false);
        best.RestoreWeights(resources.Setup, resources.Store.Parameters);
        return new BestRestored(last);
    }

    private void Apply(ApplyUpdate apply)
    {
        double learningRate = shape.LearningRate(apply.Step);
        ParameterStore store = resources.Store;
        IActorRef self = Self;
        resources.Pool.Enqueue(() =>
        {
            // Told from the pool: a task in between would cost another change of threads in every step.
            try
            {
                UpdateReport report = store.Updater.Apply(apply.Step, learningRate, apply.Parts, apply.Totals.Rows, store.Parameters);
                self.Tell(new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset));
            }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of this actor.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                self.Tell(new Status.Failure(exception));
            }

            return true;
        });
    }
}
