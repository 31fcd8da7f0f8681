using ActorMlp.Engine.Batches;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// The tree over a step's shards where some are missing: a node is the sum of what is there of its children, the left one first. So the sum over a set of shards is a function of
/// that set, in whichever subtrees it was computed; where all are there, it has the bits of the whole tree.
/// </summary>
internal static class PartialTree
{
    /// <summary>The sum below a node; null where nothing is there.</summary>
    /// <param name="node">The node.</param>
    /// <param name="parts">What is there: subtrees that do not overlap.</param>
    /// <param name="add">Adds two, the left one first.</param>
    public static T? Sum<T>(TreeNode node, IReadOnlyList<(TreeNode Node, T Sum)> parts, Func<T, T, T> add)
        where T : struct
    {
        List<(TreeNode Node, T Sum)> below = [.. parts.Where(part => node.Covers(part.Node))];
        if (below.Count <= 1)
        {
            return below.Count == 0 ? null : below[0].Sum;
        }

        T? left = Sum(node.Left, below, add), right = Sum(node.Right, below, add);
        return left is { } first && right is { } second ? add(first, second) : left ?? right;
    }
}
