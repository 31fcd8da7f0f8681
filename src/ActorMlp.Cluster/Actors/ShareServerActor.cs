using ActorMlp.Cluster.Compute;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Actors;

/// <summary>What a run that is made of shares works with.</summary>
/// <param name="Setup">The run.</param>
/// <param name="Plan">Its shares.</param>
/// <param name="Store">Weights, and the optimizer that updates them.</param>
/// <param name="Computer">What everybody computes with.</param>
/// <param name="Checkpoints">Where checkpoints go.</param>
/// <param name="Log">Where updates are logged.</param>
internal sealed record ShareResources(
    RunSetup Setup, SharePlan Plan, ParameterStore Store, ShareComputer Computer, CheckpointWriter Checkpoints, UpdateLog Log);

/// <summary>The parameter server of a run that is made of shares: hands messages to <see cref="ShareServerMachine"/> and carries out what it decides.</summary>
internal sealed class ShareServerActor : ReceiveActor
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SortedDictionary<int, IActorRef> workers = [];
    private readonly ShareResources resources;
    private readonly IActorRef coordinator;
    private readonly ShareServerMachine machine;

    public ShareServerActor(ShareResources resources, long step, IActorRef coordinator)
    {
        this.resources = resources;
        this.coordinator = coordinator;
        machine = ConsistencyMachines.Create(
            resources.Setup.Shape, resources.Plan, ConsistencyRule.Of(resources.Setup.Options.Training.Consistency), step);
        Receive<WorkerJoined>(message => workers[message.Worker.Number] = Sender);
        Receive<ShareComputed>(message => Carry(machine.Handle(message)));
        Receive<ShareUpdateApplied>(message => Carry(machine.Handle(message)));
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

    public static Props Props(ShareResources resources, long step, IActorRef coordinator) =>
        Akka.Actor.Props.Create(() => new ShareServerActor(resources, step, coordinator));

    protected override void PreStart() => coordinator.Tell(new ServerJoined(0));

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case GrantShare grant:
                    resources.Computer.Grant(grant.Work);
                    workers[grant.Worker.Number].Tell(grant.Work);
                    break;
                case ApplyShares apply:
                    Apply(apply.Update, null);
                    break;
                case AverageShares average:
                    Apply(average.Update, average.Rows);
                    break;
                case TellCoordinator tell:
                    coordinator.Tell(tell.Message);
                    break;
                case SaveCheckpoint save:
                    log.Debug("checkpoint {0} at step {1}", save.Kind, save.Progress.Step);
                    resources.Log.Flush();
                    resources.Checkpoints.Save(
                        save.Kind,
                        CheckpointDraft.Copy(resources.Setup, resources.Store.Parameters, resources.Computer.Slots, save.Progress),
                        Self);
                    break;
                case LoadBest load:
                    RestoreBestAsync(load.Step).PipeTo(Self, Self);
                    break;
            }
        }
    }

    private void Apply(UpdateRecord update, IReadOnlyList<long>? rows)
    {
        IActorRef self = Self;
        resources.Log.Append(update);
        resources.Computer.Apply(update, rows, (applied, failure) => self.Tell(applied ?? (object)new Status.Failure(failure)));
    }

    private async Task<BestRestored> RestoreBestAsync(long step)
    {
        string last = resources.Setup.Network.Layout.Sha256(resources.Store.Parameters);
        Checkpoint best = await resources.Checkpoints.LoadBestAsync(step).ConfigureAwait(false);
        best.RestoreWeights(resources.Setup, resources.Store.Parameters);
        return new BestRestored(last);
    }
}
