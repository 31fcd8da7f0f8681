using ActorMlp.Engine.Batches;
using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>What a committed step was made of: the line of the step in the ledger.</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="View">The view that it ended in.</param>
/// <param name="Totals">Sums over its rows.</param>
/// <param name="Counted">The subtrees that were counted, left to right; together they are the tree.</param>
/// <param name="DuplicatesDropped">Results that were dropped since the step before.</param>
/// <param name="Redealt">Shards of this step that were dealt again.</param>
/// <param name="ShardsVerified">Shards that a second worker computed too, with the same bits.</param>
/// <param name="ShardsInVain">Shards whose results were dropped since the step before, as another worker's copy had come, or the step was over.</param>
[MessagePackObject]
public sealed record StepAccount(
    [property: Key(0)] long Step,
    [property: Key(1)] int View,
    [property: Key(2)] GradientTotals Totals,
    [property: Key(3)] IReadOnlyList<CountedSubtree> Counted,
    [property: Key(4)] int DuplicatesDropped,
    [property: Key(5)] IReadOnlyList<RedealtShards> Redealt,
    [property: Key(6)] int ShardsVerified = 0,
    [property: Key(7)] int ShardsInVain = 0);

/// <summary>A subtree of a step, and who computed it.</summary>
/// <param name="Worker">The worker's number.</param>
/// <param name="Node">The subtree.</param>
[MessagePackObject]
public readonly record struct CountedSubtree([property: Key(0)] int Worker, [property: Key(1)] TreeNode Node)
{
    /// <summary>The same subtrees with neighbours of one worker put together, so that few are told of.</summary>
    /// <param name="subtrees">Subtrees of a step, left to right.</param>
    public static IReadOnlyList<CountedSubtree> Merge(IEnumerable<CountedSubtree> subtrees)
    {
        var merged = new List<CountedSubtree>();
        foreach (CountedSubtree subtree in subtrees)
        {
            CountedSubtree last = subtree;
            while (merged.Count > 0 && last.Node.Index % 2 == 1 && merged[^1] == new CountedSubtree(last.Worker, last.Node.Sibling))
            {
                merged.RemoveAt(merged.Count - 1);
                last = new CountedSubtree(last.Worker, last.Node.Parent);
            }

            merged.Add(last);
        }

        return merged;
    }
}

/// <summary>Why shards were dealt again.</summary>
public enum RedealReason
{
    /// <summary>Their worker was lost, restarted, or left.</summary>
    Lost,

    /// <summary>Their worker was still there, but had other shards in the view that the step went on in.</summary>
    Moved,

    /// <summary>Their worker was late, so another computed them too: of two copies the first was counted.</summary>
    Late,
}

/// <summary>Neighbouring shards of a step that were dealt to another worker before they came in.</summary>
/// <param name="Worker">Number of the worker that had them before.</param>
/// <param name="First">The first shard.</param>
/// <param name="Count">How many.</param>
/// <param name="Reason">Why.</param>
[MessagePackObject]
public readonly record struct RedealtShards(
    [property: Key(0)] int Worker, [property: Key(1)] int First, [property: Key(2)] int Count, [property: Key(3)] RedealReason Reason);
