using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>A gradient, weights or state on their way.</summary>
/// <param name="Number">The view, or for weights and state the arrangement, that they belong to.</param>
/// <param name="Message">What a machine makes of it; null for state.</param>
/// <param name="Slot">Which state.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="Values">The floats.</param>
internal sealed record SimulatedFrame(int Number, object? Message, int Slot, int Offset, ReadOnlyMemory<float> Values);

/// <summary>
/// A node's part in a run, with the state machines that real nodes have: worker, copy of the weights, parameter server. What the actors around those do is
/// done here in virtual time.
/// </summary>
/// <param name="cluster">Everything else.</param>
/// <param name="process">Where it runs.</param>
/// <param name="run">Which attempt at the run.</param>
/// <param name="number">Its number within the run.</param>
internal sealed partial class SimulatedNode(ClusterSimulation cluster, SimulatedProcess process, int run, int number) : ISimulatedNode
{
    private readonly SimulatedModel model = cluster.Model;
    private readonly WorkerMachine worker = new(
        new WorkerId(number, 0), cluster.Model.Shape.LargestSubtreeLevel, new VerificationPlan(cluster.Model.Shape));
    private readonly WeightsMachine weightsMachine = new();
    private readonly ParameterServerMachine server = new(cluster.ServerShape, number);
    private readonly List<SimulatedFrame> early = [];
    private readonly WaitingWeights waitingWeights = new();
    private readonly Dictionary<TreeNode, SubtreeFinished> results = [];
    private readonly HashSet<(int View, long Step, TreeNode Node)> sent = [];
    private readonly HashSet<(int Offset, long Step)> statesSent = [];
    private readonly Dictionary<(int Offset, long Step), float[][]> kept = [];
    private readonly Dictionary<(int Subtree, long Step), float[]> residuals = [];
    private readonly Dictionary<int, int> residualFloats = [];
    private readonly List<ComputeSubtree> waitingForResidual = [];
    private float[] current = new float[cluster.Model.Length];
    private float[] next = new float[cluster.Model.Length];
    private View view = View.None;
    private readonly List<SimulatedRange> ranges = [];
    private long resultsStep = -1;
    private int adoptions;

    private SimulatedRange? RangeAt(int offset) => ranges.Find(range => range.Place.Contains(new(offset, 1)));

    private WorkerId Self => new(number, 0);

    /// <summary>Where it runs.</summary>
    public SimulatedProcess Process => process;

    /// <summary>Its number within the run.</summary>
    public int Number => number;

    /// <summary>Which attempt at the run.</summary>
    public int Run => run;

    /// <summary>What it knows of the run.</summary>
    public ServerStanding Standing() => server.Standing() with { HasWeights = weightsMachine.HasWeights };

    /// <summary>A control message.</summary>
    public void Handle(object message)
    {
        switch (message)
        {
            case ViewPublished one:
                Handle(one);
                break;
            case StepOpened one:
                Carry(weightsMachine.Handle(one));
                break;
            case ComputeAlso one:
                Carry(weightsMachine.Handle(one));
                break;
            case EvaluateBlocks one:
                Carry(weightsMachine.Handle(one));
                break;
            case LatenessDue one:
                Carry(server.Handle(one, cluster.Now));
                break;
            case ContinueTraining one:
                Carry(server.Handle(one));
                break;
            case HoldTraining one:
                Carry(server.Handle(one));
                break;
            case WriteCheckpoint one:
                foreach ((int, long Step) old in kept.Keys.Where(key => key.Step < one.KnownStep).ToArray())
                {
                    kept.Remove(old);
                }

                Carry(server.Handle(one));
                break;
            case PieceMeasured one:
                Carry(server.Handle(one));
                break;
            default:
                throw new InvalidOperationException($"no node handles {message}");
        }
    }

    /// <summary>A frame of the bulk plane.</summary>
    public void Handle(SimulatedFrame frame)
    {
        if (frame.Number > view.Number)
        {
            early.Add(frame);
            return;
        }

        switch (frame.Message)
        {
            case SubtreeComputed gradient:
                Carry(server.Handle(gradient));
                break;
            case SumArrived sum:
                Carry(server.Handle(sum));
                break;
            case CommitForwarded commit:
                Carry(server.Handle(commit));
                break;
            case WeightsArrived weights:
                waitingWeights.Add(weights, view.Arrangement.Pieces.Count, () => Accept(weights, frame.Values), () => { });
                TakeWeights();
                break;
            default:
                AcceptState(frame);
                break;
        }
    }

    private void Handle(ViewPublished message)
    {
        if (message.View.Number <= view.Number)
        {
            return;
        }

        if (message.View.Arrangement.Number > view.Arrangement.Number)
        {
            results.Clear();
            sent.Clear();
            residuals.Clear();
            residualFloats.Clear();
            waitingForResidual.Clear();
        }

        view = message.View;
        Carry(weightsMachine.Handle(message));
        Carry(server.Handle(message));
        SimulatedFrame[] due = [.. early];
        early.Clear();
        Array.ForEach(due, Handle);
    }

    private void AcceptState(SimulatedFrame frame)
    {
        if (frame.Number != view.Arrangement.Number)
        {
            return;
        }

        int firstResidual = 1 + model.OptimizerSlots;
        if (frame.Slot >= firstResidual)
        {
            int subtree = frame.Slot - firstResidual;
            frame.Values.CopyTo(OwedBy(subtree, view.Arrangement.Step).AsMemory(frame.Offset));
            residualFloats[subtree] = residualFloats.GetValueOrDefault(subtree) + frame.Values.Length;
            ComputeSubtree[] ready = [.. waitingForResidual.Where(OwesAreKnown)];
            waitingForResidual.RemoveAll(ready.Contains);
            Array.ForEach(ready, Compute);
        }
        else if (RangeAt(frame.Offset) is { IsWhole: false } range)
        {
            range.Receive(frame.Slot, frame.Offset, frame.Values);
            if (ranges.TrueForAll(one => one.IsWhole))
            {
                Carry(server.Handle(new RangeAcquired(frame.Number)));
            }
        }
    }

    private float[] OwedBy(int subtree, long step)
    {
        if (!residuals.TryGetValue((subtree, step), out float[]? owed))
        {
            residuals[(subtree, step)] = owed = new float[model.Length];
        }

        return owed;
    }

    private bool OwesAreKnown(ComputeSubtree task) =>
        !model.HasErrorFeedback || view.Arrangement.Step == 0 || residualFloats.GetValueOrDefault(task.Node.Index) == model.Length;

    private void Compute(ComputeSubtree task)
    {
        if (!OwesAreKnown(task))
        {
            waitingForResidual.Add(task);
            return;
        }

        if (task.Step != resultsStep)
        {
            resultsStep = task.Step;
            results.Clear();
            sent.Clear();
        }

        IReadOnlyList<ParameterPiece> pieces = view.Arrangement.Pieces;
        sent.Add((task.View, task.Step, task.Node));
        process.Compute(cluster.TimeOf(task.Node), () =>
        {
            var gradient = new float[model.Length];
            GradientTotals totals = model.Compute(task.Step, task.Node, current, gradient);
            if (model.HasErrorFeedback && task.View >= view.Arrangement.Number)
            {
                model.Encode(OwedBy(task.Node.Index, task.Step), OwedBy(task.Node.Index, task.Step + 1), gradient);
                residuals.Remove((task.Node.Index, task.Step - 1));
            }

            cluster.Spoil(process.Id, gradient);
            var finished = new SubtreeFinished(task.Step, task.Node, totals, new GradientPart(task.Node, gradient), task.View);
            foreach (ParameterPiece piece in pieces)
            {
                Send(piece, new SubtreeComputed(Self, task.View, task.Step, task.Node, totals, finished.Gradient) { Verifies = task.Verifies }, gradient);
            }

            if (task.Step == resultsStep && task.View >= view.Arrangement.Number)
            {
                results[task.Node] = finished;
            }

            Carry(worker.Handle(finished));
        });
    }

    private void Send(ParameterPiece piece, SubtreeComputed result, ReadOnlyMemory<float> gradient)
    {
        ReadOnlyMemory<float> values = gradient.Slice(piece.Offset, piece.Length);
        SubtreeComputed message = result with { Gradient = new GradientPart(result.Node, values), Offset = piece.Offset };
        cluster.SendFrame(this, piece.Server, new SimulatedFrame(result.View, message, 0, piece.Offset, values));
    }

    private void Carry(IReadOnlyList<WeightsEffect> effects)
    {
        foreach (WeightsEffect effect in effects)
        {
            switch (effect)
            {
                case AdoptWeights adopt:
                    adoptions++;
                    if (adopt.Held && adopt.Step > view.Arrangement.Step && adopt.Step <= model.Shape.TotalSteps)
                    {
                        SendResiduals(adopt.Step);
                    }

                    process.Compute(TimeSpan.Zero, Adopt);
                    break;
                case HandToWorker hand:
                    Carry(hand.Message switch
                    {
                        ViewPublished message => worker.Handle(message),
                        StepOpened message => worker.Handle(message),
                        ComputeAlso message => worker.Handle(message),
                        EvaluateBlocks message => worker.Handle(message),
                        _ => throw new InvalidOperationException($"no worker handles {hand.Message}"),
                    });
                    break;
            }
        }
    }

    private void Adopt()
    {
        (current, next) = (next, current);
        adoptions--;
        TakeWeights();
    }

    private void TakeWeights()
    {
        while (adoptions == 0 && waitingWeights.TryTake(weightsMachine, view.Arrangement.Pieces.Count))
        {
        }
    }

    private void Accept(WeightsArrived message, ReadOnlyMemory<float> values)
    {
        if (weightsMachine.Takes(message))
        {
            values.CopyTo(next.AsMemory(message.Offset));
            Carry(weightsMachine.Handle(message));
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
                case SendSubtree send:
                    SubtreeComputed result = send.Result;
                    if (!sent.Remove((result.View, result.Step, result.Node)) && results.TryGetValue(result.Node, out SubtreeFinished? kept))
                    {
                        foreach (ParameterPiece piece in view.Arrangement.Pieces)
                        {
                            Send(piece, result, kept.Gradient.Sum);
                        }
                    }

                    break;
                case RunEvaluation evaluate:
                    process.Compute(cluster.TimeOf(evaluate.Command), () => Carry(worker.Handle(new EvaluationFinished(Evaluate(evaluate.Command)))));
                    break;
                case SendEvaluation send:
                    cluster.TellCoordinator(this, send.Result);
                    break;
            }
        }
    }

    private BlocksEvaluated Evaluate(EvaluateBlocks command) => new(
        command.Evaluation,
        command.FirstBlock,
        [.. Enumerable.Range(command.FirstBlock, command.EndBlock - command.FirstBlock).Select(block => model.Evaluate(command.Split, block, current))]);

    private void SendResiduals(long step)
    {
        if (!model.HasErrorFeedback || view.RangeOf(Self) is not { } mine)
        {
            return;
        }

        int together = model.Shape.ShardsDealtTogether;
        for (int subtree = mine.First / together; subtree < mine.End / together; subtree++)
        {
            cluster.SendState(this, view.Arrangement.Number, step, 1 + model.OptimizerSlots + subtree, 0, [.. OwedBy(subtree, step)]);
        }
    }
}
