using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// Which subtrees of a step a second worker computes too, to be compared: a share of the shards that seed, step and shard decide, whoever takes part.
/// Where gradients are encoded, whole encoded subtrees.
/// </summary>
/// <param name="seed">The run's seed.</param>
/// <param name="fraction">The share, from 0 to 1.</param>
/// <param name="shards">Shards per step, a power of two.</param>
/// <param name="together">Neighbouring shards that only make sense together, a power of two.</param>
public sealed class VerificationPlan(ulong seed, double fraction, int shards, int together)
{
    private readonly CounterRandom random = new(seed, RandomPurpose.Verification);
    private readonly int level = int.Log2(together);
    private long plannedStep = -1;
    private TreeNode[] planned = [];

    /// <summary>The plan of a run.</summary>
    public VerificationPlan(RunShape shape)
        : this(shape.Seed, shape.VerifyFraction, shape.Shards, shape.ShardsDealtTogether)
    {
    }

    /// <summary>Whether anything is verified.</summary>
    public bool IsOn => fraction > 0;

    /// <summary>The subtrees of a step that are computed twice, left to right.</summary>
    /// <param name="step">The step, 0-based.</param>
    public IReadOnlyList<TreeNode> NodesOf(long step)
    {
        if (!IsOn)
        {
            return [];
        }

        if (step != plannedStep)
        {
            plannedStep = step;
            planned = [.. Enumerable.Range(0, shards / together)
                .Where(index => random.Uniform((ulong)step, 0, (uint)index) < fraction)
                .Select(index => new TreeNode(level, index))];
        }

        return planned;
    }

    /// <summary>Whether a subtree is computed twice.</summary>
    public bool Includes(long step, TreeNode node) => IsOn && node.Level == level && NodesOf(step).Contains(node);

    /// <summary>
    /// Who computes a subtree for the second time: somebody who has shards in that step, as a worker that waits for the next one has not had its weights. Null where the subtree has no owner, or
    /// nobody else has shards.
    /// </summary>
    /// <param name="view">The view that the step is computed in.</param>
    /// <param name="step">The step, 0-based.</param>
    /// <param name="node">The subtree.</param>
    public WorkerId? VerifierOf(View view, long step, TreeNode node)
    {
        if (view.OwnerOf(node.FirstShard) is not { } owner)
        {
            return null;
        }

        WorkerId[] others = [.. view.Ranges.Where(range => range.Count > 0).Select(range => range.Worker).Where(worker => worker != owner)];
        return others.Length == 0 ? null : others[random.Below(others.Length, (ulong)step, 1, (uint)node.Index)];
    }

    /// <summary>The subtrees of a step that a worker computes for the second time.</summary>
    public IEnumerable<TreeNode> NodesOf(WorkerId worker, View view, long step) =>
        NodesOf(step).Where(node => VerifierOf(view, step, node) == worker);

    /// <summary>The fewest subtrees that make up a subtree such that each that is computed twice is one by itself.</summary>
    public IEnumerable<TreeNode> Split(TreeNode node, long step) =>
        node.Level <= level || !NodesOf(step).Any(node.Covers) ? [node] : [.. Split(node.Left, step), .. Split(node.Right, step)];
}
