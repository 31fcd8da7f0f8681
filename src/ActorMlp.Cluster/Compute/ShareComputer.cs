using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Compute;

/// <summary>
/// What workers and parameter server of a run that is made of shares compute with: one engine over one pool. Every share has a copy of the weights, as it would on a machine of its own.
/// All jobs run on the pool in the order in which they are given, so a copy that is taken after an update was asked for has it.
/// </summary>
internal sealed class ShareComputer
{
    private readonly SharePlan plan;
    private readonly ParameterStore store;
    private readonly ComputePool pool;
    private readonly TrainingHooks hooks;
    private readonly ShareEngine engine;
    private readonly bool isLocal;
    private readonly long[] tickets;
    private readonly (long Clock, GradientTotals Totals, int? NonFiniteLayer)[] trained;

    public ShareComputer(RunSetup setup, SharePlan plan, ParameterStore store, ComputePool pool, TrainingHooks hooks)
    {
        this.plan = plan;
        this.store = store;
        this.pool = pool;
        this.hooks = hooks;
        engine = new ShareEngine(setup, plan, pool);
        isLocal = setup.Options.Training.Consistency.Mode == ConsistencyMode.Local;
        tickets = new long[plan.Shares];
        trained = [.. Enumerable.Repeat((Clock: -1L, default(GradientTotals), default(int?)), plan.Shares)];
    }

    /// <summary>All optimizer state, as checkpoints keep it.</summary>
    public IReadOnlyList<OptimizerSlot> Slots => isLocal ? engine.CopySlots : store.Updater.Slots;

    /// <summary>Makes an order the newest of its share, and takes the share's copy of the weights.</summary>
    public void Grant(ShareWork work, bool takesWeights) => pool.Enqueue(() =>
    {
        tickets[work.Share] = work.Ticket;
        if (takesWeights)
        {
            store.Parameters.CopyTo(engine.CopyOf(work.Share));
        }

        return true;
    });

    /// <summary>Computes a share; the answer is given on the pool.</summary>
    /// <param name="worker">For whom.</param>
    /// <param name="work">What.</param>
    /// <param name="answer">Gets the result, or what the computation failed of.</param>
    public void Compute(WorkerId worker, ShareWork work, Action<ShareFinished?, Exception?> answer)
    {
        void Queue() => pool.Enqueue(() =>
        {
            try
            {
                answer(Compute(worker, work), null);
            }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of the worker it computed for.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                answer(null, exception);
            }

            return true;
        });

        hooks.Delay(worker, Queue);
    }

    /// <summary>Applies an update.</summary>
    /// <param name="update">Which one.</param>
    /// <param name="rows">The weight of each copy, where copies are averaged; else null.</param>
    /// <param name="answer">Gets what was found, or what the update failed of.</param>
    public void Apply(UpdateRecord update, IReadOnlyList<long>? rows, Action<ShareUpdateApplied?, Exception?> answer) => pool.Enqueue(() =>
    {
        try
        {
            UpdateReport report = default;
            if (rows is null)
            {
                report = engine.Apply(store.Updater, update, store.Parameters);
            }
            else
            {
                engine.Average(update, rows, store.Parameters);
            }

            answer(new ShareUpdateApplied(update.Sequence, report), null);
        }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of the parameter server.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer(null, exception);
        }

        return true;
    });

    /// <summary>Evaluates blocks of a split.</summary>
    public Task<BlocksEvaluated> EvaluateAsync(EvaluateBlocks command) => pool.Enqueue(() =>
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = engine.EvaluateBlock(command.Split, command.FirstBlock + i, store.Parameters);
        }

        return new BlocksEvaluated(command.Evaluation, command.FirstBlock, totals);
    });

    private ShareFinished Compute(WorkerId worker, ShareWork work)
    {
        // Somebody else was told to compute the share: its buffers are no longer this worker's.
        if (tickets[work.Share] != work.Ticket)
        {
            return new ShareFinished(work, default, null);
        }

        hooks.BeforeCompute?.Invoke(worker, new ComputeSubtree(work.Clock, plan.NodesOf(work.Share)[0]));
        if (!isLocal)
        {
            return new ShareFinished(work, engine.ComputeGradient(work.Share, work.Clock, engine.CopyOf(work.Share)), null);
        }

        // A worker that was lost after its copy was trained, and before it could say so, is not to train it twice.
        if (trained[work.Share].Clock != work.Clock)
        {
            (GradientTotals totals, UpdateReport report) = engine.TrainCopy(work.Share, work.Clock);
            trained[work.Share] = (work.Clock, totals, report.NonFiniteLayer);
        }

        return new ShareFinished(work, trained[work.Share].Totals, trained[work.Share].NonFiniteLayer);
    }
}
