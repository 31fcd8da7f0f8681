using System.Runtime.InteropServices;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>What became of a result that was entered in the ledger.</summary>
public enum LedgerEntry
{
    /// <summary>It is counted.</summary>
    Counted,

    /// <summary>Its shards are all counted already; it is dropped.</summary>
    Duplicate,

    /// <summary>The same subtree is counted already, with other bits.</summary>
    Differs,
}

/// <summary>
/// One step's account: which subtrees are in. The step is complete when every shard is counted exactly once.
/// </summary>
/// <param name="shards">Shards per step, a power of two.</param>
public sealed class StepLedger(int shards)
{
    private readonly SortedList<int, SubtreeComputed> parts = [];
    private int counted;

    /// <summary>Shards of which another worker's copy had come, or took the place.</summary>
    public int ShardsInVain { get; private set; }

    /// <summary>Whether every shard is counted.</summary>
    public bool IsComplete => counted == shards;

    /// <summary>Subtrees that are in, left to right.</summary>
    public IReadOnlyList<TreeNode> Present => [.. parts.Values.Select(part => part.Node)];

    /// <summary>Results that are in, left to right.</summary>
    public IEnumerable<SubtreeComputed> Parts => parts.Values;

    /// <summary>The result that is in for this very subtree; null if there is none.</summary>
    public SubtreeComputed? PartOf(TreeNode node) =>
        parts.TryGetValue(node.FirstShard, out SubtreeComputed? part) && part.Node == node ? part : null;

    /// <summary>Whether a shard is counted.</summary>
    public bool Has(int shard) => parts.Values.Any(part => part.Node.FirstShard <= shard && shard < part.Node.EndShard);

    /// <summary>Enters a result. One that covers smaller subtrees takes their place; one that is covered is dropped, and compared if it is the same subtree.</summary>
    public LedgerEntry Enter(SubtreeComputed result)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(result.Node.EndShard, shards);
        foreach (SubtreeComputed part in parts.Values)
        {
            if (part.Node.Covers(result.Node))
            {
                ShardsInVain += part.Worker == result.Worker ? 0 : result.Node.ShardCount;
                return part.Node == result.Node && !SameBits(part, result) ? LedgerEntry.Differs : LedgerEntry.Duplicate;
            }
        }

        foreach (SubtreeComputed part in parts.Values.Where(part => result.Node.Covers(part.Node)).ToList())
        {
            parts.Remove(part.Node.FirstShard);
            counted -= part.Node.ShardCount;
            ShardsInVain += part.Worker == result.Worker ? 0 : part.Node.ShardCount;
        }

        parts.Add(result.Node.FirstShard, result);
        counted += result.Node.ShardCount;
        return LedgerEntry.Counted;
    }

    /// <summary>
    /// Gradients that cover the tree, left to right, the largest subtrees first: a result's gradient may reach beyond the shards it was entered for.
    /// Whichever are taken, the sum has the same bits.
    /// </summary>
    public GradientPart[] GradientParts()
    {
        var cover = new List<GradientPart>();
        Cover(TreeNode.Root(shards), cover);
        return [.. cover];
    }

    /// <summary>The step's totals, added by the same tree as the gradients.</summary>
    public GradientTotals Totals() => Total(TreeNode.Root(shards));

    /// <summary>Opens the account of another step.</summary>
    public void Clear()
    {
        parts.Clear();
        (counted, ShardsInVain) = (0, 0);
    }

    private void Cover(TreeNode node, List<GradientPart> cover)
    {
        if (parts.Values.FirstOrDefault(part => part.Gradient.Node == node) is { } part)
        {
            cover.Add(part.Gradient);
            return;
        }

        Cover(node.Left, cover);
        Cover(node.Right, cover);
    }

    private GradientTotals Total(TreeNode node) => PartOf(node)?.Totals ?? Total(node.Left) + Total(node.Right);

    /// <summary>Whether two results for one subtree are the same; of gradients that reach beyond it, differently far, only the totals are compared.</summary>
    internal static bool SameBits(SubtreeComputed left, SubtreeComputed right) =>
        left.Totals.Rows == right.Totals.Rows
        && left.Totals.Correct == right.Totals.Correct
        && BitConverter.DoubleToInt64Bits(left.Totals.LossSum) == BitConverter.DoubleToInt64Bits(right.Totals.LossSum)
        && (left.Gradient.Node != right.Gradient.Node
            || MemoryMarshal.AsBytes(left.Gradient.Sum.Span).SequenceEqual(MemoryMarshal.AsBytes(right.Gradient.Sum.Span)));
}
