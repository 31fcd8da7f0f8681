using System.Diagnostics;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Compute;

/// <summary>
/// What the workers of a process compute with: one engine over one pool. Subtrees that are asked for at about the same time are computed
/// together, and neighbours are merged into the larger subtree they make up, so several workers in one process cost no more than one.
/// </summary>
/// <remarks>
/// A worker's answer may therefore hold a gradient that reaches beyond its own subtree: the sum of a larger one. That changes no bit, as
/// every sum of a subtree has the same bits whoever computes it. Gradients of a step are overwritten once a later step is asked for: by then the
/// parameter server has applied them.
/// </remarks>
/// <param name="setup">The run.</param>
/// <param name="store">The weights, read where the process's parameter server writes them.</param>
/// <param name="pool">The threads that compute.</param>
/// <param name="hooks">How tests and benchmarks reach in.</param>
internal sealed class NodeComputer(
    RunSetup setup, ParameterStore store, ComputePool pool, TrainingHooks hooks)
{
    /// <summary>How long a first request waits for the others of its step, at most.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMicroseconds(100);

    private readonly GradientEngine engine = new(setup.Network, pool);
    private readonly SubtreeEncoder? encoder = setup.CreateEncoder();
    private readonly Lock gate = new();
    private readonly List<Request> pending = [];
    private readonly Stack<AlignedBuffer> free = [];
    private readonly List<AlignedBuffer> used = [];
    private long usedFor = -1;
    private long askedFor = -1;
    private int asked;
    private int expected = 1;

    /// <summary>The level of the largest subtree whose gradient travels as one.</summary>
    public int LargestSubtreeLevel => setup.Shape.LargestSubtreeLevel;

    /// <summary>What the encoding of gradients owes before a step, as checkpoints keep it; empty without error feedback.</summary>
    public IEnumerable<OptimizerSlot> ResidualsOf(long step) => Residuals((residuals, subtree) => residuals.Owed(subtree, step));

    /// <summary>Room for what the encoding of gradients owes before a step that the run goes on from.</summary>
    public IEnumerable<OptimizerSlot> PrepareResiduals(long step) => Residuals((residuals, subtree) => residuals.Prepare(subtree, step));

    /// <summary>What is computed twice, for one worker.</summary>
    public VerificationPlan CreateVerificationPlan() => new(setup.Shape);

    /// <summary>Computes a subtree's gradient; answers are given on the pool.</summary>
    /// <param name="worker">For whom.</param>
    /// <param name="task">The step and the subtree.</param>
    /// <param name="answer">Gets the result, or what the computation failed of.</param>
    public void Compute(WorkerId worker, ComputeSubtree task, Action<SubtreeFinished?, Exception?> answer) => hooks.Delay(worker, () =>
    {
        lock (gate)
        {
            pending.Add(new Request(worker, task, answer));
        }

        pool.Enqueue(ComputePending);
    });

    /// <summary>Evaluates blocks of a split.</summary>
    public Task<BlocksEvaluated> EvaluateAsync(EvaluateBlocks command) => pool.Enqueue(() =>
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = setup.EvaluateBlock(engine, command.Split, command.FirstBlock + i, store.Parameters);
        }

        return new BlocksEvaluated(command.Evaluation, command.FirstBlock, totals);
    });

    private IEnumerable<OptimizerSlot> Residuals(Func<Residuals, int, Memory<float>> get) =>
        (setup.Encoding?.ResidualNames ?? []).Select((name, subtree) => new OptimizerSlot(name, get(encoder!.Residuals!, subtree)));

    private bool ComputePending()
    {
        Gather();
        List<Request> requests;
        lock (gate)
        {
            requests = [.. pending];
            pending.Clear();
        }

        Count(requests);
        foreach (IGrouping<long, Request> step in requests.GroupBy(request => request.Task.Step).OrderBy(group => group.Key))
        {
            Recycle(step.Key);
            ComputeStep(step.Key, [.. step.Where(Admit)]);
        }

        return true;
    }

    /// <summary>Waits, for microseconds, until as many requests are there as the last step had: they are on their way.</summary>
    private void Gather()
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            int count;
            lock (gate)
            {
                count = pending.Count;
            }

            if (count == 0 || count >= expected || Stopwatch.GetElapsedTime(began) > Gathering)
            {
                return;
            }

            Thread.SpinWait(20);
        }
    }

    /// <summary>Learns how many requests a step has: as many as the step before it had in all.</summary>
    private void Count(List<Request> requests)
    {
        foreach (Request request in requests)
        {
            if (request.Task.Step > askedFor)
            {
                expected = askedFor < 0 ? 1 : asked;
                (askedFor, asked) = (request.Task.Step, 0);
            }

            asked++;
        }
    }

    private bool Admit(Request request)
    {
        try
        {
            hooks.BeforeCompute?.Invoke(request.Worker, request.Task);
            return true;
        }
#pragma warning disable CA1031 // Whatever it throws is the worker's failure.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            request.Answer(null, exception);
            return false;
        }
    }

    private void ComputeStep(long step, List<Request> requests)
    {
        StepBatch batch = setup.BatchOf(step);
        requests.Where(request => request.Task.Alone).ToList().ForEach(request => ComputeAlone(batch, request));
        requests.RemoveAll(request => request.Task.Alone);
        foreach (TreeNode node in Merge(requests.Select(request => request.Task.Node)))
        {
            List<Request> served = [.. requests.Where(request => node.Covers(request.Task.Node))];
            try
            {
                AlignedBuffer gradient = Rent();
                engine.ComputeGradient(batch, node, store.Parameters, gradient.Span);
                encoder?.EncodeInPlace(node, step, gradient.Span);
                var part = new GradientPart(node, gradient.Memory);
                foreach (Request request in served)
                {
                    GradientTotals totals = engine.TotalsOf(node, request.Task.Node);
                    request.Answer(new SubtreeFinished(step, request.Task.Node, totals, part, request.Task.View), null);
                }
            }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of those it computed for.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                served.ForEach(request => request.Answer(null, exception));
            }
        }
    }

    /// <summary>Computes what is compared: its owner's result and the second one each have a computation of their own.</summary>
    private void ComputeAlone(StepBatch batch, Request request)
    {
        ComputeSubtree task = request.Task;
        try
        {
            AlignedBuffer gradient = Rent();
            GradientTotals totals = engine.ComputeGradient(batch, task.Node, store.Parameters, gradient.Span);
            encoder?.EncodeInPlace(task.Node, task.Step, gradient.Span);
            hooks.AfterCompute?.Invoke(request.Worker, task, gradient.Memory);
            request.Answer(new SubtreeFinished(task.Step, task.Node, totals, new GradientPart(task.Node, gradient.Memory), task.View), null);
        }
#pragma warning disable CA1031 // Whatever the engine throws is the failure of the worker it computed for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            request.Answer(null, exception);
        }
    }

    /// <summary>The fewest subtrees that cover those asked for and nothing else.</summary>
    private SortedSet<TreeNode> Merge(IEnumerable<TreeNode> asked)
    {
        var nodes = new SortedSet<TreeNode>(asked, Comparer<TreeNode>.Create((a, b) => (a.FirstShard, a.Level).CompareTo((b.FirstShard, b.Level))));
        nodes.RemoveWhere(node => nodes.Any(other => other != node && other.Covers(node)));
        while (nodes.FirstOrDefault(node => node.Level < LargestSubtreeLevel && node.Index % 2 == 0 && nodes.Contains(node.Sibling), new TreeNode(-1, 0)) is { Level: >= 0 } left)
        {
            nodes.Remove(left);
            nodes.Remove(left.Sibling);
            nodes.Add(left.Parent);
        }

        return nodes;
    }

    private AlignedBuffer Rent()
    {
        AlignedBuffer buffer = free.TryPop(out AlignedBuffer? spare) ? spare : new AlignedBuffer(setup.Network.Layout.Length);
        used.Add(buffer);
        return buffer;
    }

    private void Recycle(long step)
    {
        if (step > usedFor)
        {
            used.ForEach(free.Push);
            used.Clear();
            usedFor = step;
        }
    }

    private sealed record Request(WorkerId Worker, ComputeSubtree Task, Action<SubtreeFinished?, Exception?> Answer);
}
