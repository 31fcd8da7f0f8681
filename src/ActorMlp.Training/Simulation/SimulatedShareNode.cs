using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>
/// A node's part in a run that is made of shares, with the state machines and the arithmetic that real nodes have. What is ordered and what is computed travels in one frame: the vectors, and
/// what the machines make of them.
/// </summary>
/// <param name="cluster">Everything else.</param>
/// <param name="process">Where it runs.</param>
/// <param name="run">Which attempt at the run.</param>
/// <param name="number">Its number within the run.</param>
internal sealed class SimulatedShareNode(ClusterSimulation cluster, SimulatedProcess process, int run, int number) : ISimulatedNode
{
    private readonly SimulatedModel model = cluster.Model;
    private readonly ShareRules rules = cluster.Model.Shape.Sharing!;
    private readonly WeightsMachine weightsMachine = new();
    private readonly ShareWorkerMachine worker = new(new WorkerId(number, 0));
    private readonly ShareHostMachine server = new(cluster.Model.Shape, number);
    private readonly List<SimulatedFrame> early = [];
    private readonly List<UpdateRecord> unsent = [];
    private readonly float[] current = new float[cluster.Model.Length];
    private readonly HashSet<long> statesSent = [];
    private View view = View.None;
    private SharePlan? plan;
    private ShareEngine? engine;
    private IShareOptimizer? optimizer;
    private float[] parameters = [];
    private long missing;

    public SimulatedProcess Process => process;

    public int Number => number;

    public int Run => run;

    public ServerStanding Standing() => server.Standing();

    private IReadOnlyList<OptimizerSlot> Slots => rules.Rule.Mode == ConsistencyMode.Local ? engine!.CopySlots : optimizer!.Slots;

    public void Handle(object message)
    {
        switch (message)
        {
            case ViewPublished one:
                Handle(one);
                break;
            case EvaluateBlocks one:
                Carry(weightsMachine.Handle(one));
                break;
            case ContinueTraining one:
                Carry(server.Handle(one));
                break;
            case HoldTraining one:
                Carry(server.Handle(one));
                break;
            case WriteCheckpoint one:
                Carry(server.Handle(one));
                break;
            default:
                throw new InvalidOperationException($"no node handles {message}");
        }
    }

    public void Handle(SimulatedFrame frame)
    {
        if (frame.Number > view.Number)
        {
            early.Add(frame);
            return;
        }

        if (frame.Number != view.Arrangement.Number)
        {
            return;
        }

        switch (frame.Message)
        {
            case ShareWork work:
                Process.Compute(TimeSpan.Zero, WhileArranged(() => engine!.Accept(work, Cut(frame.Values))));
                Carry(worker.Handle(work));
                break;
            case ShareComputed result:
                if (server.Needs(result))
                {
                    Process.Compute(TimeSpan.Zero, WhileArranged(() => engine!.Store(result.Work.Share, Cut(frame.Values))));
                }

                Carry(server.Handle(result));
                break;
            case WeightsArrived weights:
                if (weightsMachine.Takes(weights))
                {
                    frame.Values.CopyTo(current.AsMemory(weights.Offset));
                    Carry(weightsMachine.Handle(weights));
                }

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

        bool isArranged = message.View.Arrangement.Number > view.Arrangement.Number;
        view = message.View;
        if (isArranged)
        {
            plan = rules.PlanOf(view.Arrangement.Shares);
            engine = new ShareEngine(model.Shares!, plan, rules.Rule.Mode);
        }

        Carry(worker.Handle(message));
        Carry(weightsMachine.Handle(message));
        Carry(server.Handle(message));
        SimulatedFrame[] due = [.. early];
        early.Clear();
        Array.ForEach(due, Handle);
    }

    private void AcceptState(SimulatedFrame frame)
    {
        if (missing > 0)
        {
            frame.Values.CopyTo((frame.Slot == 0 ? parameters : Slots[frame.Slot - 1].Values)[frame.Offset..]);
            missing -= frame.Values.Length;
            if (missing == 0)
            {
                Carry(server.Handle(new RangeAcquired(frame.Number)));
            }
        }
    }

    private void Carry(IReadOnlyList<WeightsEffect> effects)
    {
        foreach (HandToWorker hand in effects.OfType<HandToWorker>())
        {
            if (hand.Message is EvaluateBlocks evaluate)
            {
                Carry(worker.Handle(evaluate));
            }
        }
    }

    private void Carry(IReadOnlyList<WorkerEffect> effects)
    {
        foreach (WorkerEffect effect in effects)
        {
            switch (effect)
            {
                case ComputeShare { Work: { } work }:
                    // What a stale order is computed from was forgotten with its arrangement.
                    Process.Compute(cluster.TimeOf(plan!.ShardsOf(work.Share) * work.Steps), () =>
                    {
                        (IReadOnlyList<GradientTotals> totals, int? layer) = work.Arrangement == view.Arrangement.Number ? engine!.Compute(work) : ([], null);
                        Carry(worker.Handle(new ShareFinished(work, totals, layer)));
                    });
                    break;
                case SendShare send when view.Arrangement.Lead == number:
                    Carry(server.Handle(send.Result));
                    break;
                case SendShare send:
                    cluster.SendFrame(this, view.Arrangement.Lead, new SimulatedFrame(
                        view.Arrangement.Number, send.Result, 0, 0, Join(engine!.ResultOf(send.Result.Work.Share))));
                    break;
                case RunEvaluation evaluate:
                    Process.Compute(cluster.TimeOf(evaluate.Command), () => Carry(worker.Handle(new EvaluationFinished(Evaluate(evaluate.Command)))));
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

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    Acquire(acquire);
                    break;
                case GrantShare grant:
                    Process.Compute(TimeSpan.Zero, WhileArranged(() => Grant(grant)));
                    break;
                case ApplyShares apply:
                    Apply(apply.Update, () => engine!.Apply(optimizer!, apply.Update, parameters));
                    break;
                case AverageShares average:
                    Apply(average.Update, () =>
                    {
                        engine!.Average(average.Update, average.Rows, parameters);
                        return default;
                    });
                    break;
                case SendWeights send:
                    Process.Compute(TimeSpan.Zero, WhileArranged(() => Send(send)));
                    break;
                case TellCoordinator tell:
                    cluster.TellCoordinator(this, tell.Message);
                    break;
                case SaveCheckpoint save:
                    SendState(save.Progress.Step);
                    break;
            }
        }
    }

    private void Acquire(AcquireRange acquire)
    {
        unsent.Clear();
        statesSent.Clear();
        (parameters, optimizer, missing) = ([], null, 0);
        if (acquire.Pieces.Count > 0)
        {
            parameters = new float[model.Length];
            optimizer = model.Shares!.CreateOptimizer();
            missing = (1L + Slots.Count) * model.Length;
        }
    }

    private void Grant(GrantShare grant)
    {
        engine!.Grant(grant.Work, parameters);
        if (grant.Worker.Number == number)
        {
            Carry(worker.Handle(grant.Work));
        }
        else
        {
            cluster.SendFrame(this, grant.Worker.Number, new SimulatedFrame(
                view.Arrangement.Number, grant.Work, 0, 0, Join(engine.InputOf(grant.Work.Share))));
        }
    }

    private void Apply(UpdateRecord update, Func<UpdateReport> apply)
    {
        unsent.Add(update);
        Process.Compute(cluster.TimeOfUpdate(new ParameterPiece(number, 0, model.Length)), WhileArranged(() =>
        {
            cluster.Watch.Applied(run, view.Arrangement.Number, update.Sequence);
            Carry(server.Handle(new ShareUpdateApplied(update.Sequence, apply())));
        }));
    }

    private void Send(SendWeights send)
    {
        float[] values = [.. parameters.AsSpan(send.Piece.Offset, send.Piece.Length)];
        foreach (WorkerId to in send.To ?? [.. view.Ranges.Select(member => member.Worker)])
        {
            cluster.SendFrame(this, to.Number, new SimulatedFrame(send.Message.Arrangement, send.Message, 0, send.Piece.Offset, values));
        }
    }

    private void SendState(long step)
    {
        if (!statesSent.Add(step))
        {
            return;
        }

        // The log first: a checkpoint without its updates is worth nothing.
        cluster.SendUpdates(this, view.Arrangement.Number, [.. unsent]);
        unsent.Clear();
        cluster.SendState(this, view.Arrangement.Number, step, 0, 0, [.. parameters]);
        for (int slot = 0; slot < Slots.Count; slot++)
        {
            cluster.SendState(this, view.Arrangement.Number, step, 1 + slot, 0, Slots[slot].Values.ToArray());
        }
    }

    /// <summary>What is asked for is done in order, unless another arrangement has come by then.</summary>
    private Action WhileArranged(Action what)
    {
        int arrangement = view.Arrangement.Number;
        return () =>
        {
            if (arrangement == view.Arrangement.Number)
            {
                what();
            }
        };
    }

    private static ReadOnlyMemory<float> Join(IReadOnlyList<Memory<float>> vectors)
    {
        var joined = new float[vectors.Sum(vector => vector.Length)];
        int at = 0;
        foreach (Memory<float> vector in vectors)
        {
            vector.CopyTo(joined.AsMemory(at));
            at += vector.Length;
        }

        return joined;
    }

    private ReadOnlyMemory<float>[] Cut(ReadOnlyMemory<float> joined) =>
        [.. Enumerable.Range(0, joined.Length / model.Length).Select(i => joined.Slice(i * model.Length, model.Length))];
}
