using ActorMlp.Cluster.Compute;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Actors;

/// <summary>
/// A worker: hands messages to <see cref="WorkerMachine"/> and carries out what it decides. It computes on the pool, never here.
/// When the engine throws, the actor fails with it; its supervisor restarts it, and it joins under its next incarnation.
/// </summary>
internal sealed class WorkerActor : ReceiveActor
{
    private readonly WorkerId id;
    private readonly NodeComputer computer;
    private readonly IActorRef coordinator;
    private readonly IActorRef parameterServer;
    private readonly WorkerMachine machine;

    public WorkerActor(WorkerSlot slot, NodeComputer computer, IActorRef coordinator, IActorRef parameterServer)
    {
        this.computer = computer;
        this.coordinator = coordinator;
        this.parameterServer = parameterServer;
        id = slot.NextLife();
        machine = new WorkerMachine(id, computer.LargestSubtreeLevel, computer.CreateVerificationPlan());
        Receive<ViewPublished>(message => Carry(machine.Handle(message)));
        Receive<StepOpened>(message => Carry(machine.Handle(message)));
        Receive<EvaluateBlocks>(message => Carry(machine.Handle(message)));
        Receive<Finished>(Accept);
    }

    public static Props Props(WorkerSlot slot, NodeComputer computer, IActorRef coordinator, IActorRef parameterServer) =>
        Akka.Actor.Props.Create(() => new WorkerActor(slot, computer, coordinator, parameterServer));

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
            case SubtreeFinished subtree:
                Carry(machine.Handle(subtree));
                break;
            case EvaluationFinished evaluation:
                Carry(machine.Handle(evaluation));
                break;
        }
    }

    private void Carry(IReadOnlyList<WorkerEffect> effects)
    {
        foreach (WorkerEffect effect in effects)
        {
            switch (effect)
            {
                case ComputeSubtree compute:
                    Compute(compute);
                    break;
                case RunEvaluation evaluate:
                    Evaluate(evaluate.Command);
                    break;
                case SendSubtree send:
                    parameterServer.Tell(send.Result);
                    break;
                case SendEvaluation send:
                    coordinator.Tell(send.Result);
                    break;
            }
        }
    }

    /// <summary>Runs on the pool, which tells the answer itself: a task in between would cost another change of threads in every step.</summary>
    private void Compute(ComputeSubtree task)
    {
        IActorRef self = Self;
        computer.Compute(id, task, (result, failure) => self.Tell(new Finished(id, result, failure)));
    }

    private void Evaluate(EvaluateBlocks command) => computer.EvaluateAsync(command).PipeTo(
        Self,
        Self,
        result => new Finished(id, new EvaluationFinished(result), null),
        failure => new Finished(id, null, failure));

    /// <summary>What the pool is done with; it names this life of the worker, so that an answer to an earlier one is ignored.</summary>
    private sealed record Finished(WorkerId Worker, IWorkerMessage? Result, Exception? Failure);
}

/// <summary>A worker's place on its node, which outlives the worker.</summary>
/// <param name="number">The worker's number, 0-based.</param>
internal sealed class WorkerSlot(int number)
{
    private int lives;

    /// <summary>The worker in its newest life.</summary>
    public WorkerId Current => new(number, Volatile.Read(ref lives) - 1);

    /// <summary>The worker in its next life.</summary>
    public WorkerId NextLife() => new(number, Interlocked.Increment(ref lives) - 1);
}

/// <summary>A worker's engine threw.</summary>
/// <param name="worker">Whose.</param>
/// <param name="cause">What it threw.</param>
internal sealed class WorkerFailedException(WorkerId worker, Exception cause) : Exception($"{worker} failed: {cause.Message}", cause);
