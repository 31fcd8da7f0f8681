using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a worker wants done.</summary>
public abstract record WorkerEffect;

/// <summary>Compute a subtree's gradient, then hand in <see cref="SubtreeFinished"/>. One of an arrangement is under way at a time.</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Node">The subtree.</param>
/// <param name="View">The view it is computed in.</param>
public sealed record ComputeSubtree(long Step, TreeNode Node, int View = 0) : WorkerEffect
{
    /// <summary>Whether it is computed by itself, for this worker alone, as it is compared with another's.</summary>
    public bool Alone { get; init; }

    /// <summary>Whether it is another worker's, computed for the second time.</summary>
    public bool Verifies { get; init; }
}

/// <summary>Evaluate blocks, then hand in <see cref="EvaluationFinished"/>.</summary>
/// <param name="Command">Which.</param>
public sealed record RunEvaluation(EvaluateBlocks Command) : WorkerEffect;

/// <summary>Send a result to the parameter server.</summary>
/// <param name="Result">The result.</param>
public sealed record SendSubtree(SubtreeComputed Result) : WorkerEffect;

/// <summary>Send an evaluation to the coordinator.</summary>
/// <param name="Result">The result.</param>
public sealed record SendEvaluation(BlocksEvaluated Result) : WorkerEffect;

/// <summary>
/// A worker, decided: which subtrees it computes for the step in flight, and what it sends. It keeps what it computed until the next step opens,
/// so that after a change of view it sends again instead of computing again.
/// </summary>
/// <param name="self">Who this worker is.</param>
/// <param name="largestLevel">The level of the largest subtree that it computes as one.</param>
/// <param name="verification">What is computed twice; null for nothing.</param>
public sealed class WorkerMachine(WorkerId self, int largestLevel, VerificationPlan? verification = null)
{
    private readonly VerificationPlan verification = verification ?? new VerificationPlan(0, 0, 1, 1);
    private readonly Dictionary<TreeNode, SubtreeFinished> computed = [];
    private readonly Queue<TreeNode> waiting = [];
    private readonly HashSet<TreeNode> helped = [];
    private readonly SortedDictionary<int, View> views = [];
    private StepOpened? opened;
    private StepOpened? awaitingView;
    private (long Step, TreeNode Node)? computing;
    private int evaluation;
    private int arrangement;

    /// <summary>
    /// A view stands; a step that was opened in it before it was known here begins now. With a new arrangement everything begins anew. Where several
    /// servers each count for themselves, a view that lacks a worker of the step in flight opens that step again: no server can know what the others lack.
    /// So does one in which a standby has taken over: it has no results yet.
    /// </summary>
    public IReadOnlyList<WorkerEffect> Handle(ViewPublished message)
    {
        View view = message.View;
        views[view.Number] = view;
        if (view.Arrangement.Number > arrangement)
        {
            arrangement = view.Arrangement.Number;
            (opened, computing) = (null, null);
            awaitingView = awaitingView is { } early && early.View >= arrangement ? early : null;
            computed.Clear();
            waiting.Clear();
            helped.Clear();

            // Within an arrangement a step may yet be opened in a view that is older than the last: the lead decides on it before the step before is committed.
            foreach (int old in views.Keys.Where(number => number < arrangement).ToList())
            {
                views.Remove(old);
            }
        }

        if (awaitingView is { } step && views.ContainsKey(step.View))
        {
            awaitingView = null;
            return Handle(step);
        }

        return opened is { } current
            && (HasOtherServers(views[current.View], view) || (view.Arrangement.Pieces.Count > 1 && LostOneOf(views[current.View], view)))
            ? Handle(new StepOpened(view.Number, current.Step, []))
            : [];
    }

    /// <summary>A step opens, or opens again in a newer view.</summary>
    public IReadOnlyList<WorkerEffect> Handle(StepOpened message)
    {
        if (message.View < arrangement)
        {
            return [];
        }

        if (opened is { } current && (message.Step, message.View).CompareTo((current.Step, current.View)) <= 0)
        {
            return [];
        }

        if (!views.TryGetValue(message.View, out View? view))
        {
            awaitingView = message;
            return [];
        }

        var effects = new List<WorkerEffect>();
        if (opened?.Step != message.Step)
        {
            computed.Clear();
            helped.Clear();
        }

        opened = message;
        waiting.Clear();
        List<TreeNode> there = [.. message.Present];

        // Also what is somebody else's by now: who has it may be steps behind, and a server that took over needs it.
        foreach (SubtreeFinished result in computed.Values
            .Where(result => IsMine(result.Node, message) || !verification.Includes(message.Step, result.Node))
            .Where(result => !there.Exists(node => node.Covers(result.Node))).ToList())
        {
            if (!IsMine(result.Node, message))
            {
                helped.Add(result.Node);
            }

            effects.Add(Send(result));
            there.RemoveAll(result.Node.Covers);
            there.Add(result.Node);
        }

        there.Sort((left, right) => left.FirstShard.CompareTo(right.FirstShard));
        IEnumerable<TreeNode> own = Missing(view, there).SelectMany(Split).SelectMany(node => verification.Split(node, message.Step));
        foreach (TreeNode node in own.Where(node => computing != (message.Step, node)))
        {
            waiting.Enqueue(node);
        }

        // What others own comes after what is waited for anyway.
        Enqueue(verification.NodesOf(self, view, message.Step), effects);
        Enqueue(
            helped.Where(node => !IsMine(node, message) && !computed.ContainsKey(node) && !there.Exists(one => one.Covers(node))), effects);
        StartNext(effects);
        return effects;
    }

    /// <summary>
    /// Others are late: what they own comes after what is waited for anyway. It is for the step that is open, as <see cref="WeightsMachine"/> holds it back
    /// until its weights are there; if that is over, or of an older arrangement, nobody needs it.
    /// </summary>
    public IReadOnlyList<WorkerEffect> Handle(ComputeAlso message)
    {
        if (opened is not { } step || step.Step != message.Step || message.View < arrangement)
        {
            return [];
        }

        var effects = new List<WorkerEffect>();
        TreeNode[] nodes = [.. message.Nodes.SelectMany(Split).Where(node => !IsMine(node, step))];
        Enqueue([.. nodes.Where(helped.Add)], effects);
        StartNext(effects);
        return effects;
    }

    /// <summary>The engine is done with a subtree: keep it and send it where it still belongs to the step in flight, then go on.</summary>
    public IReadOnlyList<WorkerEffect> Handle(SubtreeFinished message)
    {
        if (message.View < arrangement)
        {
            return [];
        }

        var effects = new List<WorkerEffect>(2);
        computing = null;
        if (opened is { } step && step.Step == message.Step)
        {
            computed[message.Node] = message;
            if (message.View < step.View && !IsMine(message.Node, step) && !verification.Includes(step.Step, message.Node))
            {
                // Begun in an older view, in which the step may still be open at the lead: there it is waited for.
                helped.Add(message.Node);
            }

            if (IsMine(message.Node, step) || IsVerifiedHere(message.Node, step) || helped.Contains(message.Node))
            {
                effects.Add(Send(message));
            }
        }

        StartNext(effects);
        return effects;
    }

    /// <summary>Evaluate; the coordinator asks between steps only.</summary>
    public IReadOnlyList<WorkerEffect> Handle(EvaluateBlocks message)
    {
        evaluation = message.Evaluation;
        return [new RunEvaluation(message)];
    }

    /// <summary>An evaluation is done; one that is over by now interests nobody.</summary>
    public IReadOnlyList<WorkerEffect> Handle(EvaluationFinished message) =>
        message.Result.Evaluation == evaluation ? [new SendEvaluation(message.Result)] : [];

    private static bool HasOtherServers(View before, View after) =>
        before.Arrangement.Number == after.Arrangement.Number
        && before.Arrangement.Pieces.Zip(after.Arrangement.Pieces).Any(pair => pair.First.Server != pair.Second.Server);

    private static bool LostOneOf(View before, View after) => before.Ranges.Any(range => range.Count > 0 && after.RangeOf(range.Worker) is null);

    private IEnumerable<TreeNode> Split(TreeNode node) => node.Level <= largestLevel ? [node] : [.. Split(node.Left), .. Split(node.Right)];

    private bool IsMine(TreeNode node, StepOpened step) =>
        views[step.View].RangeOf(self) is { } range && range.First <= node.FirstShard && node.EndShard <= range.End;

    /// <summary>Whether a subtree is computed for the second time here, to be compared; where this worker helps, its copy counts like any.</summary>
    private bool IsSecond(TreeNode node, StepOpened step) => !IsMine(node, step) && !helped.Contains(node);

    private bool IsVerifiedHere(TreeNode node, StepOpened step) =>
        verification.Includes(step.Step, node) && verification.VerifierOf(views[step.View], step.Step, node) == self;

    /// <summary>Has subtrees of others computed, or sent if they are.</summary>
    private void Enqueue(IEnumerable<TreeNode> nodes, List<WorkerEffect> effects)
    {
        foreach (TreeNode node in nodes)
        {
            if (computed.TryGetValue(node, out SubtreeFinished? result))
            {
                effects.Add(Send(result));
            }
            else if (computing != (opened!.Step, node))
            {
                waiting.Enqueue(node);
            }
        }
    }

    private SendSubtree Send(SubtreeFinished result) => new(new SubtreeComputed(self, opened!.View, result.Step, result.Node, result.Totals, result.Gradient)
    {
        Verifies = IsSecond(result.Node, opened),
    });

    private void StartNext(List<WorkerEffect> effects)
    {
        if (computing is null && waiting.TryDequeue(out TreeNode node))
        {
            computing = (opened!.Step, node);
            effects.Add(new ComputeSubtree(opened.Step, node, opened.View)
            {
                Alone = verification.Includes(opened.Step, node),
                Verifies = IsSecond(node, opened),
            });
        }
    }

    /// <summary>The fewest subtrees over what this worker owns and is not there; what is there comes left to right.</summary>
    private IEnumerable<TreeNode> Missing(View view, IReadOnlyList<TreeNode> present)
    {
        if (view.RangeOf(self) is not { } range)
        {
            yield break;
        }

        int first = range.First;
        foreach (TreeNode there in present.Where(node => node.EndShard > range.First && node.FirstShard < range.End))
        {
            foreach (TreeNode node in TreeNode.Cover(first, Math.Max(first, there.FirstShard)))
            {
                yield return node;
            }

            first = Math.Max(first, there.EndShard);
        }

        foreach (TreeNode node in TreeNode.Cover(first, Math.Max(first, range.End)))
        {
            yield return node;
        }
    }
}
