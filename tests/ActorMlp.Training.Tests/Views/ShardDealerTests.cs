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
    public void Deal_without_workers_deals_nothing()
    {
        Assert.Empty(ShardDealer.Deal(8, []));
        Assert.Empty(ShardDealer.Deal(8, [], []));
    }

    [Fact]
    public void Deal_by_rates_covers_each_shard_once_and_makes_the_longest_share_as_short_as_it_can_be() =>
        Gen.Select(Gen.Int[0, 5], Gen.Double[0.1, 10].Array[1, 3]).Sample((exponent, rates) =>
        {
            int shards = 1 << exponent;
            WorkerId[] workers = Workers(rates.Length);
            IReadOnlyList<ShardRange> ranges = ShardDealer.Deal(shards, workers, rates);
            Assert.Equal(workers, ranges.Select(range => range.Worker));
            Assert.Equal([0, .. ranges.Select(range => range.End)], [.. ranges.Select(range => range.First), shards]);
            Assert.Equal(ShortestByTrial(shards, rates), ranges.Zip(rates).Max(pair => pair.First.Count / pair.Second));
        });

    [Fact]
    public void Deal_by_equal_rates_is_even_and_without_rates_that_of_the_workers_alone() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[1, 20], Gen.Double[0.1, 100]).Sample((exponent, count, rate) =>
        {
            int shards = 1 << exponent;
            IEnumerable<int> sizes = ShardDealer.Deal(shards, Workers(count), [.. Enumerable.Repeat(rate, count)]).Select(range => range.Count);
            Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
            Assert.Equal(ShardDealer.Deal(shards, Workers(count)), ShardDealer.Deal(shards, Workers(count), null));
        });

    /// <summary>Tries every deal.</summary>
    private static double ShortestByTrial(int shards, ReadOnlySpan<double> rates)
    {
        double shortest = shards / rates[0];
        for (int first = 0; first <= shards && rates.Length > 1; first++)
        {
            shortest = Math.Min(shortest, Math.Max(first / rates[0], ShortestByTrial(shards - first, rates[1..])));
        }

        return rates.Length == 1 ? shards / rates[0] : shortest;
    }

    private static WorkerId[] Workers(int count) => [.. Enumerable.Range(0, count).Select(number => new WorkerId(number, 0))];
}
