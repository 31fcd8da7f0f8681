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
/// What a process computes with in a run that is made of shares: one engine over one pool. Every share has a copy of the weights. All jobs run on the pool in the order in which they are
/// given, so a copy that is taken after an update was asked for has it, and what comes from elsewhere never changes beneath a computation.
/// </summary>
internal sealed class ShareComputer
{
    private readonly SharePlan plan;
    private readonly ParameterStore? store;
    private readonly IShareOptimizer? optimizer;
    private readonly ComputePool pool;
    private readonly TrainingHooks hooks;
    private readonly ShareEngine engine;
    private readonly Action<Exception> fail;
    private readonly bool isLocal;

    /// <summary>A computer.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="plan">Its shares.</param>
    /// <param name="store">Weights and optimizer; null where only workers are.</param>
    /// <param name="pool">The threads that compute.</param>
    /// <param name="hooks">For tests and benchmarks.</param>
    /// <param name="fail">Told on the pool of what went wrong there and is nobody's answer.</param>
    public ShareComputer(RunSetup setup, SharePlan plan, ParameterStore? store, ComputePool pool, TrainingHooks hooks, Action<Exception> fail)
    {
        this.fail = fail;
        this.plan = plan;
        this.store = store;
        this.pool = pool;
        this.hooks = hooks;
        var model = new EngineShareModel(setup, pool);
        optimizer = store is null ? null : model.Wrap(store.Updater);
        ConsistencyMode mode = setup.Options.Training.Consistency.Mode;
        engine = new ShareEngine(model, plan, mode);
        isLocal = mode == ConsistencyMode.Local;
    }

    /// <summary>All optimizer state, as checkpoints keep it.</summary>
    public IReadOnlyList<OptimizerSlot> Slots => isLocal ? engine.CopySlots : Held.Updater.Slots;

    /// <summary>The weights.</summary>
    public Memory<float> Weights => Held.Memory;

    private ParameterStore Held => store ?? throw new InvalidOperationException("the parameters are elsewhere");

    /// <summary>Makes an order the newest of its share, and takes the share's copy of the weights.</summary>
    /// <param name="work">The order.</param>
    /// <param name="granted">Called on the pool with what the share is computed with; null for nothing.</param>
    public void Grant(ShareWork work, Action<IReadOnlyList<Memory<float>>>? granted = null) => Do(() =>
    {
        engine.Grant(work, Held.Parameters);
        granted?.Invoke(engine.InputOf(work.Share));
    });

    /// <summary>Takes what a share is computed with, as it came with an order.</summary>
    /// <param name="work">The order.</param>
    /// <param name="input">What came.</param>
    /// <param name="taken">Called on the pool when it was copied.</param>
    public void Accept(ShareWork work, IReadOnlyList<ReadOnlyMemory<float>> input, Action taken) => Do(() =>
    {
        try
        {
            engine.Accept(work, input);
        }
        finally
        {
            taken();
        }
    });

    /// <summary>Takes what was computed of a share elsewhere.</summary>
    /// <param name="share">The share.</param>
    /// <param name="result">What came.</param>
    /// <param name="taken">Called on the pool when it was copied.</param>
    public void Store(int share, IReadOnlyList<ReadOnlyMemory<float>> result, Action taken) => Do(() =>
    {
        try
        {
            engine.Store(share, result);
        }
        finally
        {
            taken();
        }
    });

    /// <summary>Hands out what was computed of a share.</summary>
    /// <param name="share">The share.</param>
    /// <param name="read">Called on the pool.</param>
    public void Read(int share, Action<IReadOnlyList<Memory<float>>> read) => Do(() => read(engine.ResultOf(share)));

    /// <summary>Does something once all that was asked for before is done.</summary>
    public void Do(Action what) => pool.Enqueue(() =>
    {
        try
        {
            what();
            return true;
        }
#pragma warning disable CA1031 // Whatever it is, nobody else waits for it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            fail(exception);
            return false;
        }
    });

    /// <summary>Computes a share; the answer is given on the pool.</summary>
    /// <param name="worker">For whom.</param>
    /// <param name="work">What.</param>
    /// <param name="answer">Gets the result, or what the computation failed of.</param>
    public void Compute(WorkerId worker, ShareWork work, Action<ShareFinished?, Exception?> answer) => Delay(worker, work.Steps, () => Do(() =>
    {
        try
        {
            (IReadOnlyList<GradientTotals> totals, int? layer) = engine.Compute(
                work, clock => hooks.BeforeCompute?.Invoke(worker, new ComputeSubtree(clock, plan.NodesOf(work.Share)[0])));
            answer(new ShareFinished(work, totals, layer), null);
        }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of the worker it computed for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer(null, exception);
        }
    }));

    /// <summary>Applies an update.</summary>
    /// <param name="update">Which one.</param>
    /// <param name="rows">The weight of each copy, where copies are averaged; else null.</param>
    /// <param name="answer">Gets what was found, or what the update failed of.</param>
    public void Apply(UpdateRecord update, IReadOnlyList<long>? rows, Action<ShareUpdateApplied?, Exception?> answer) => Do(() =>
    {
        try
        {
            UpdateReport report = default;
            if (rows is null)
            {
                report = engine.Apply(optimizer!, update, Held.Parameters);
            }
            else
            {
                engine.Average(update, rows, Held.Parameters);
            }

            answer(new ShareUpdateApplied(update.Sequence, report), null);
        }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of the parameter server.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer(null, exception);
        }
    });

    /// <summary>Evaluates blocks of a split.</summary>
    public Task<BlocksEvaluated> EvaluateAsync(EvaluateBlocks command) => pool.Enqueue(() =>
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = engine.EvaluateBlock(command.Split, command.FirstBlock + i, Held.Parameters);
        }

        return new BlocksEvaluated(command.Evaluation, command.FirstBlock, totals);
    });

    /// <summary>Does something at a worker's pace, which is a step's.</summary>
    private void Delay(WorkerId worker, int steps, Action action) =>
        hooks.Delay(worker, steps == 1 ? action : () => Delay(worker, steps - 1, action));
}
