using ActorMlp.Cluster.Compute;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Actors;

/// <summary>What all workers of a process share.</summary>
/// <param name="Computer">The engine.</param>
/// <param name="Pool">The threads that compute.</param>
/// <param name="Buffers">Memory for gradients.</param>
public sealed record WorkerResources(IGradientComputer Computer, ComputePool Pool, GradientBuffers Buffers);

/// <summary>
/// A worker: hands messages to <see cref="WorkerMachine"/> and carries out what it decides. It computes on the pool, never here.
/// When the engine throws, the actor fails with it; its supervisor restarts it, and it joins under its next incarnation.
/// </summary>
internal sealed class WorkerActor : ReceiveActor
{
    private readonly WorkerId id;
    private readonly WorkerResources resources;
    private readonly IActorRef coordinator;
    private readonly IActorRef parameterServer;
    private readonly WorkerMachine machine;

    public WorkerActor(WorkerSlot slot, WorkerResources resources, IActorRef coordinator, IActorRef parameterServer)
    {
        this.resources = resources;
        this.coordinator = coordinator;
        this.parameterServer = parameterServer;
        id = slot.NextLife();
        machine = new WorkerMachine(id);
        Receive<ViewPublished>(message => Carry(machine.Handle(message)));
        Receive<StepOpened>(message => Carry(machine.Handle(message)));
        Receive<EvaluateBlocks>(message => Carry(machine.Handle(message)));
        Receive<Finished>(Accept);
    }

    public static Props Props(WorkerSlot slot, WorkerResources resources, IActorRef coordinator, IActorRef parameterServer) =>
        Akka.Actor.Props.Create(() => new WorkerActor(slot, resources, coordinator, parameterServer));

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
                    Start(() => new EvaluationFinished(new BlocksEvaluated(
                        evaluate.Command.Evaluation,
                        evaluate.Command.FirstBlock,
                        resources.Computer.Evaluate(evaluate.Command))));
                    break;
                case SendSubtree send:
                    parameterServer.Tell(send.Result);
                    break;
                case SendEvaluation send:
                    coordinator.Tell(send.Result);
                    break;
                case ReleaseGradient release:
                    resources.Buffers.Return(release.GradientSum);
                    break;
            }
        }
    }

    private void Compute(ComputeSubtree compute) => Start(() =>
    {
        float[] gradient = resources.Buffers.Rent();
        GradientTotals totals = resources.Computer.ComputeGradient(id, compute, gradient);
        return new SubtreeFinished(compute.Step, compute.Node, totals, gradient);
    });

    /// <summary>Runs on the pool; the result comes back as a message that names this life of the worker, so a stale one is ignored.</summary>
    private void Start(Func<IWorkerMessage> work)
    {
        IActorRef self = Self;
        WorkerId worker = id;
        resources.Pool.Enqueue(work).PipeTo(
            self,
            self,
            result => new Finished(worker, result, null),
            failure => new Finished(worker, null, failure));
    }

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
