using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>
/// The three state machines over channels that keep the order of each pair and nothing else, under a seeded scheduler that also makes workers
/// fail. Gradients are one float whose sum depends on the order of addition, so a shard added in the wrong place shows.
/// </summary>
internal sealed class ProtocolSimulation
{
    private readonly RunShape shape;
    private readonly CounterRandom random;
    private readonly double failureRate;
    private readonly Dictionary<(string From, string To), Queue<object>> channels = [];
    private readonly Dictionary<int, (WorkerId Id, WorkerMachine Machine)> workers = [];
    private readonly CoordinatorMachine coordinator;
    private readonly ParameterServerMachine parameterServer;
    private readonly float[] best = new float[1];
    private uint draws;

    public ProtocolSimulation(RunShape shape, ulong seed, double failureRate)
    {
        this.shape = shape;
        this.failureRate = failureRate;
        random = new CounterRandom(seed, RandomPurpose.Shuffle);
        coordinator = new CoordinatorMachine(shape, RunProgress.Start, PieceDealer.Whole(1));
        parameterServer = new ParameterServerMachine(shape, 0);
        Send("parameter server", "coordinator", new ServerJoined(0));
        for (int number = 0; number < shape.Workers; number++)
        {
            Join(new WorkerId(number, 0));
        }
    }

    public float Weight { get; private set; } = 1;

    public RunConclusion? Conclusion { get; private set; }

    public string? Failure { get; private set; }

    public int Failures { get; private set; }

    public List<RunEvent> Events { get; } = [];

    public bool StopAfterNextEvent { get; set; }

    /// <summary>The weight after every step of <paramref name="shape"/>, by a plain loop.</summary>
    public static float Oracle(RunShape shape, long steps)
    {
        float weight = 1;
        for (long step = 0; step < steps; step++)
        {
            weight = Update(weight, Sum(step, TreeNode.Root(shape.Shards), weight));
        }

        return weight;
    }

    public void Run(int limit = 200_000)
    {
        for (int events = 0; Conclusion is null && Failure is null; events++)
        {
            Assert.True(events < limit, "the run makes no progress");
            var ready = channels.Where(channel => channel.Value.Count > 0).OrderBy(channel => channel.Key).ToList();
            Assert.True(ready.Count > 0, "the run stands still");
            if (StopAfterNextEvent)
            {
                StopAfterNextEvent = false;
                Carry(coordinator.Handle(new StopRequested()));
            }

            ((_, string to), Queue<object> queue) = ready[random.Below(ready.Count, 1, 0, draws++)];
            Deliver(to, queue.Dequeue());
        }
    }

    private static float Sum(long step, TreeNode node, float weight) => node.Level == 0
        ? (float)(new CounterRandom(7, RandomPurpose.Dropout).Uniform((ulong)step, 0, (uint)node.Index) - 0.5) * weight
        : Sum(step, node.Left, weight) + Sum(step, node.Right, weight);

    private static float Update(float weight, float gradient) => weight * 1.01f - gradient;

    private void Send(string from, string to, object message)
    {
        if (!channels.TryGetValue((from, to), out Queue<object>? queue))
        {
            channels[(from, to)] = queue = [];
        }

        queue.Enqueue(message);
    }

    private void Join(WorkerId id)
    {
        workers[id.Number] = (id, new WorkerMachine(id, shape.LargestSubtreeLevel));
        Send(Name(id.Number), "coordinator", new WorkerJoined(id));
    }

    private static string Name(int worker) => $"worker {worker}";

    private void Deliver(string to, object message)
    {
        switch (to)
        {
            case "coordinator":
                TimeSpan now = TimeSpan.FromMilliseconds(draws);
                Carry(message switch
                {
                    WorkerJoined joined => coordinator.Handle(joined),
                    ServerJoined joined => coordinator.Handle(joined),
                    RangeReady range => coordinator.Handle(range, now),
                    WorkerFailed failed => coordinator.Handle(failed, now),
                    StepCommitted committed => coordinator.Handle(committed, now),
                    BlocksEvaluated evaluated => coordinator.Handle(evaluated, now),
                    CheckpointWritten written => coordinator.Handle(written),
                    BestRestored restored => coordinator.Handle(restored),
                    StepDiverged diverged => coordinator.Handle(diverged),
                    DuplicatesDiffer differ => coordinator.Handle(differ),
                    _ => throw new InvalidOperationException(message.ToString()),
                });
                break;
            case "parameter server":
                Carry(message switch
                {
                    ViewPublished view => parameterServer.Handle(view),
                    RangeAcquired acquired => parameterServer.Handle(acquired),
                    SubtreeComputed computed => parameterServer.Handle(computed),
                    ContinueTraining go => parameterServer.Handle(go),
                    HoldTraining hold => parameterServer.Handle(hold),
                    WriteCheckpoint write => parameterServer.Handle(write),
                    RestoreBest restore => parameterServer.Handle(restore),
                    UpdateApplied applied => parameterServer.Handle(applied),
                    _ => throw new InvalidOperationException(message.ToString()),
                });
                break;
            default:
                int number = int.Parse(to.AsSpan("worker ".Length), System.Globalization.CultureInfo.InvariantCulture);
                (WorkerId id, WorkerMachine machine) = workers[number];
                if (random.Uniform(2, 0, draws++) < failureRate)
                {
                    Failures++;
                    Send(to, "coordinator", new WorkerFailed(id, "chance", Final: false));
                    channels.GetValueOrDefault((to, to))?.Clear();
                    Join(new WorkerId(number, id.Incarnation + 1));
                    return;
                }

                Carry(number, message switch
                {
                    ViewPublished view => machine.Handle(view),
                    StepOpened opened => machine.Handle(opened),
                    EvaluateBlocks evaluate => machine.Handle(evaluate),
                    SubtreeFinished finished => machine.Handle(finished),
                    EvaluationFinished finished => machine.Handle(finished),
                    _ => throw new InvalidOperationException(message.ToString()),
                });
                break;
        }
    }

    private void Carry(IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (CoordinatorEffect effect in effects)
        {
            switch (effect)
            {
                case PublishView publish:
                    Send("coordinator", "parameter server", publish.Message);
                    foreach (int worker in workers.Keys)
                    {
                        Send("coordinator", Name(worker), publish.Message);
                    }

                    break;
                case TellWorker tell when workers[tell.Worker.Number].Id == tell.Worker:
                    Send("coordinator", Name(tell.Worker.Number), tell.Message);
                    break;
                case TellParameterServer tell:
                    Send("coordinator", "parameter server", tell.Message);
                    break;
                case Notify notify:
                    Events.Add(notify.Event);
                    break;
                case ConcludeRun conclude:
                    Conclusion = conclude.Conclusion;
                    break;
                case FailRun fail:
                    Failure = fail.Reason;
                    break;
            }
        }
    }

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    Send("parameter server", "parameter server", new RangeAcquired(acquire.Arrangement.Number));
                    break;
                case OpenStep open:
                    foreach (int worker in workers.Keys)
                    {
                        Send("parameter server", Name(worker), open.Message);
                    }

                    break;
                case ApplyUpdate apply:
                    Weight = Update(Weight, Total(TreeNode.Root(shape.Shards), apply.Parts));
                    Send("parameter server", "parameter server", new UpdateApplied(apply.Arrangement, apply.Step, new UpdateReport(null, null), apply.Piece.Offset));
                    break;
                case TellCoordinator tell:
                    Send("parameter server", "coordinator", tell.Message);
                    break;
                case SaveCheckpoint save:
                    if (save.Kind == CheckpointKind.Best)
                    {
                        best[0] = Weight;
                    }

                    Send("disk", "coordinator", new CheckpointWritten(save.Kind, save.Progress.Step, save.Kind.ToString()));
                    break;
                case LoadBest:
                    Weight = best[0];
                    Send("disk", "coordinator", new BestRestored("last"));
                    break;
            }
        }
    }

    private static float Total(TreeNode node, GradientPart[] parts)
    {
        foreach (GradientPart part in parts)
        {
            if (part.Node == node)
            {
                return part.Sum.Span[0];
            }
        }

        return Total(node.Left, parts) + Total(node.Right, parts);
    }

    private void Carry(int worker, IReadOnlyList<WorkerEffect> effects)
    {
        string self = Name(worker);
        foreach (WorkerEffect effect in effects)
        {
            switch (effect)
            {
                case ComputeSubtree compute:
                    var totals = new GradientTotals(compute.Node.ShardCount, compute.Node.ShardCount, 0);
                    Send(self, self, new SubtreeFinished(
                        compute.Step, compute.Node, totals, new GradientPart(compute.Node, new[] { Sum(compute.Step, compute.Node, Weight) }), compute.View));
                    break;
                case RunEvaluation evaluate:
                    int count = evaluate.Command.EndBlock - evaluate.Command.FirstBlock;
                    Send(self, self, new EvaluationFinished(new BlocksEvaluated(
                        evaluate.Command.Evaluation,
                        evaluate.Command.FirstBlock,
                        [.. Enumerable.Repeat(new EvaluationTotals(EvaluationBlock.Rows, Math.Abs(Weight), 1, 0, 0, 0), count)])));
                    break;
                case SendSubtree send:
                    Send(self, "parameter server", send.Result);
                    break;
                case SendEvaluation send:
                    Send(self, "coordinator", send.Result);
                    break;
            }
        }
    }
}
