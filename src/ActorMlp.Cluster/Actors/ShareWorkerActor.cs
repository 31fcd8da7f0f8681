using ActorMlp.Cluster.Compute;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Actors;

/// <summary>
/// A worker of a run that is made of shares: hands messages to <see cref="ShareWorkerMachine"/> and carries out what it decides. When the engine throws, the actor fails with it; its
/// supervisor restarts it, and it joins under its next incarnation.
/// </summary>
internal sealed class ShareWorkerActor : ReceiveActor
{
    private readonly WorkerId id;
    private readonly ShareComputer computer;
    private readonly IActorRef coordinator;
    private readonly IActorRef parameterServer;
    private readonly ShareWorkerMachine machine;

    public ShareWorkerActor(WorkerSlot slot, ShareComputer computer, IActorRef coordinator, IActorRef parameterServer)
    {
        this.computer = computer;
        this.coordinator = coordinator;
        this.parameterServer = parameterServer;
        id = slot.NextLife();
        machine = new ShareWorkerMachine(id);

        // Every worker hears of views; here only the parameter server acts on them.
        Receive<ViewPublished>(_ => { });
        Receive<ShareWork>(message => Carry(machine.Handle(message)));
        Receive<EvaluateBlocks>(message => Carry(machine.Handle(message)));
        Receive<Finished>(Accept);
    }

    public static Props Props(WorkerSlot slot, ShareComputer computer, IActorRef coordinator, IActorRef parameterServer) =>
        Akka.Actor.Props.Create(() => new ShareWorkerActor(slot, computer, coordinator, parameterServer));

    protected override void PreStart()
    {
        // The parameter server first: it must know where a worker is before a view can name it.
        var joined = new WorkerJoined(id);
        parameterServer.Tell(joined);
        coordinator.Tell(joined);
    }

    protected override void PreRestart(Exception reason, object message)
    {
        coordinator.Tell(new WorkerFailed(id, reason.GetBaseException().Message, Final: false));
        base.PreRestart(reason, message);
    }

    private void Accept(Finished finished)
    {
        if (finished.Worker != id)
        {
            return;
        }

        if (finished.Failure is { } failure)
        {
            throw new WorkerFailedException(id, failure);
        }

        switch (finished.Result)
        {
            case ShareFinished share:
                Carry(machine.Handle(share));
                break;
            case EvaluationFinished evaluation:
                Carry(machine.Handle(evaluation));
                break;
        }
    }

    private void Carry(IReadOnlyList<WorkerEffect> effects)
    {
        IActorRef self = Self;
        foreach (WorkerEffect effect in effects)
        {
            switch (effect)
            {
                case ComputeShare compute:
                    computer.Compute(id, compute.Work, (result, failure) => self.Tell(new Finished(id, result, failure)));
                    break;
                case RunEvaluation evaluate:
                    computer.EvaluateAsync(evaluate.Command).PipeTo(
                        self,
                        self,
                        result => new Finished(id, new EvaluationFinished(result), null),
                        failure => new Finished(id, null, failure));
                    break;
                case SendShare send:
                    parameterServer.Tell(send.Result);
                    break;
                case SendEvaluation send:
                    coordinator.Tell(send.Result);
                    break;
            }
        }
    }

    /// <summary>What the pool is done with; it names this life of the worker, so that an answer to an earlier one is ignored.</summary>
    private sealed record Finished(WorkerId Worker, IWorkerMessage? Result, Exception? Failure);
}
