using ActorMlp.Engine.Batches;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Views;

public sealed class ShardDealerTests
{
    [Fact]
    public void Deal_any_shards_and_workers_covers_each_shard_once_and_evenly()
    {
        Gen.Select(Gen.Int[0, 8], Gen.Int[1, 40]).Sample((exponent, count) =>
        {
            int shards = 1 << exponent;
            IReadOnlyList<ShardRange> ranges = ShardDealer.Deal(shards, Workers(count));
            Assert.Equal(count, ranges.Count);
            int next = 0;
            foreach (ShardRange range in ranges)
            {
                Assert.Equal(next, range.First);
                next = range.End;
            }

            Assert.Equal(shards, next);
            IEnumerable<int> busy = ranges.Where(range => range.Count > 0).Select(range => range.Count);
            Assert.InRange(busy.Max() - busy.Min(), 0, 1);
            Assert.Equal(Math.Min(shards, count), busy.Count());
        });
    }

    [Theory]
    [InlineData(8, 4)]
    [InlineData(8, 3)]
    [InlineData(16, 5)]
    [InlineData(16, 6)]
    [InlineData(32, 7)]
    public void Deal_places_larger_shares_where_fewest_subtrees_travel(int shards, int workers)
    {
        IReadOnlyList<ShardRange> ranges = ShardDealer.Deal(shards, Workers(workers));
        Assert.Equal(FewestByTrial(shards, workers), ranges.Sum(range => TreeNode.Cover(range.First, range.End).Count));
    }

    /// <summary>Tries every choice of the workers that take one shard more.</summary>
    private static int FewestByTrial(int shards, int workers)
    {
        int fewest = int.MaxValue;
        for (uint larger = 0; larger < 1u << workers; larger++)
        {
            if (System.Numerics.BitOperations.PopCount(larger) != shards % workers)
            {
                continue;
            }

            int first = 0, nodes = 0;
            for (int worker = 0; worker < workers; worker++)
            {
                int size = shards / workers + (int)((larger >> worker) & 1);
                nodes += TreeNode.Cover(first, first + size).Count;
                first += size;
            }

            fewest = Math.Min(fewest, nodes);
        }

        return fewest;
    }

    [Fact]
    public void Deal_without_workers_deals_nothing() => Assert.Empty(ShardDealer.Deal(8, []));

    private static WorkerId[] Workers(int count) => [.. Enumerable.Range(0, count).Select(number => new WorkerId(number, 0))];
}
