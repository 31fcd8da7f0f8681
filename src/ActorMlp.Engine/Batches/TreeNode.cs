namespace ActorMlp.Engine.Batches;

/// <summary>
/// A node of the fixed binary summation tree over a step's shards: level 0 are the shards, node (l, i) is the sum of
/// (l-1, 2i) and (l-1, 2i+1), left operand first.
/// </summary>
/// <param name="Level">Height above the shards.</param>
/// <param name="Index">Position in its level, from the left.</param>
public readonly record struct TreeNode(int Level, int Index)
{
    /// <summary>The first shard below this node.</summary>
    public int FirstShard => Index << Level;

    /// <summary>Number of shards below this node.</summary>
    public int ShardCount => 1 << Level;

    /// <summary>One past the last shard below this node.</summary>
    public int EndShard => FirstShard + ShardCount;

    /// <summary>The node whose sum this one enters.</summary>
    public TreeNode Parent => new(Level + 1, Index >> 1);

    /// <summary>The other child of <see cref="Parent"/>.</summary>
    public TreeNode Sibling => new(Level, Index ^ 1);

    /// <summary>The first operand of this node's sum.</summary>
    public TreeNode Left => new(Level - 1, Index << 1);

    /// <summary>The second operand of this node's sum.</summary>
    public TreeNode Right => new(Level - 1, (Index << 1) | 1);

    /// <summary>The root over <paramref name="shards"/> shards, a power of two.</summary>
    public static TreeNode Root(int shards) => new(int.Log2(shards), 0);

    /// <summary>Whether <paramref name="other"/> is this node or lies below it.</summary>
    public bool Covers(TreeNode other) => other.Level <= Level && other.Index >> (Level - other.Level) == Index;

    /// <summary>The fewest nodes whose shards are exactly [<paramref name="first"/>, <paramref name="end"/>), left to right.</summary>
    public static IReadOnlyList<TreeNode> Cover(int first, int end)
    {
        var nodes = new List<TreeNode>();
        while (first < end)
        {
            int level = Math.Min(first == 0 ? 31 : int.TrailingZeroCount(first), int.Log2(end - first));
            nodes.Add(new TreeNode(level, first >> level));
            first += 1 << level;
        }

        return nodes;
    }

    /// <inheritdoc/>
    public override string ToString() => ShardCount == 1 ? $"shard {FirstShard}" : $"shards {FirstShard}-{EndShard - 1}";
}
