using ActorMlp.Engine.Batches;

namespace ActorMlp.Training.Views;

/// <summary>Deals a step's shards to workers: neighbours together, sizes that differ by one at most, as few subtrees as that allows.</summary>
public static class ShardDealer
{
    /// <summary>One range per worker, in the order given; where there are more workers than shards, the last ones stay in reserve.</summary>
    /// <param name="shards">Shards per step, a power of two.</param>
    /// <param name="workers">Who is there.</param>
    public static IReadOnlyList<ShardRange> Deal(int shards, IReadOnlyList<WorkerId> workers)
    {
        if (workers.Count == 0)
        {
            return [];
        }

        int busy = Math.Min(shards, workers.Count);
        bool[] takesOneMore = PlaceLargerShares(shards, busy);
        var ranges = new List<ShardRange>(workers.Count);
        int first = 0;
        for (int i = 0; i < workers.Count; i++)
        {
            int size = i < busy ? shards / busy + (takesOneMore[i] ? 1 : 0) : 0;
            ranges.Add(new ShardRange(workers[i], first, first + size));
            first += size;
        }

        return ranges;
    }

    /// <summary>One range per worker such that a step takes the shortest time; even where no rates are given.</summary>
    /// <param name="shards">Shards per step, a power of two.</param>
    /// <param name="workers">Who is there.</param>
    /// <param name="rates">Shards that each computes in a second; null for an even deal.</param>
    /// <param name="together">Neighbours that one worker gets together, a power of two.</param>
    public static IReadOnlyList<ShardRange> Deal(int shards, IReadOnlyList<WorkerId> workers, IReadOnlyList<double>? rates, int together) =>
        [.. Deal(shards / together, workers, rates).Select(range => new ShardRange(range.Worker, range.First * together, range.End * together))];

    internal static IReadOnlyList<ShardRange> Deal(int shards, IReadOnlyList<WorkerId> workers, IReadOnlyList<double>? rates)
    {
        if (rates is null || workers.Count == 0)
        {
            return Deal(shards, workers);
        }

        // Shard by shard to whoever is done first with it: that makes the longest share as short as it can be.
        var sizes = new int[workers.Count];
        for (int shard = 0; shard < shards; shard++)
        {
            int next = Enumerable.Range(0, sizes.Length).MinBy(i => (sizes[i] + 1) / rates[i]);
            sizes[next]++;
        }

        var ranges = new List<ShardRange>(workers.Count);
        int first = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            ranges.Add(new ShardRange(workers[i], first, first += sizes[i]));
        }

        return ranges;
    }

    /// <summary>Which of the workers take one shard more, such that the ranges fall into the fewest subtrees (dynamic programming).</summary>
    private static bool[] PlaceLargerShares(int shards, int workers)
    {
        int small = shards / workers, larger = shards % workers;
        var fewest = new int[workers + 1, larger + 1];
        var choice = new bool[workers + 1, larger + 1];
        for (int i = workers - 1; i >= 0; i--)
        {
            for (int used = Math.Max(0, larger - (workers - i)); used <= Math.Min(i, larger); used++)
            {
                int first = i * small + used;
                int remaining = workers - i - 1;
                int plain = larger - used <= remaining ? Nodes(first, small) + fewest[i + 1, used] : int.MaxValue;
                int extra = used < larger ? Nodes(first, small + 1) + fewest[i + 1, used + 1] : int.MaxValue;
                choice[i, used] = extra < plain;
                fewest[i, used] = Math.Min(plain, extra);
            }
        }

        var takesOneMore = new bool[workers];
        for (int i = 0, used = 0; i < workers; i++)
        {
            takesOneMore[i] = choice[i, used];
            used += takesOneMore[i] ? 1 : 0;
        }

        return takesOneMore;
    }

    private static int Nodes(int first, int count) => TreeNode.Cover(first, first + count).Count;
}
