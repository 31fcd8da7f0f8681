using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;

namespace ActorMlp.Training.Tests.Consistency;

public sealed class SharePlanTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(20)]
    public void Shares_cut_every_step_without_gap_or_overlap(int workers)
    {
        var plan = new SharePlan(67, 16, 8, workers);
        Assert.Equal(Math.Min(workers, 8), plan.Shares);
        Assert.Equal(5, plan.StepsPerEpoch);
        Assert.Equal(0, plan.FirstShard(0));
        Assert.Equal(8, plan.EndShard(plan.Shares - 1));
        for (int share = 0; share < plan.Shares; share++)
        {
            Assert.True(share == 0 || plan.FirstShard(share) == plan.EndShard(share - 1));
            Assert.Equal(plan.ShardsOf(share), plan.NodesOf(share).Sum(node => node.ShardCount));
        }

        for (long step = 0; step < 10; step++)
        {
            Assert.Equal(step % 5 == 4 ? 3 : 16, Enumerable.Range(0, plan.Shares).Sum(share => plan.RowsOf(step, share)));
        }
    }

    [Fact]
    public void StepsWithRows_counts_what_RowsOf_says()
    {
        var plan = new SharePlan(67, 16, 8, 8);
        for (int share = 0; share < 8; share++)
        {
            for (int step = 0; step <= 15; step++)
            {
                Assert.Equal(Enumerable.Range(0, step).Count(before => plan.RowsOf(before, share) > 0), plan.StepsWithRows(step, share));
            }
        }

        Assert.Equal(3 * (4 * 8 + 3), plan.UpdatesBefore(15));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    public void Averages_are_every_k_steps_of_an_epoch_and_at_its_end(int every)
    {
        var plan = new SharePlan(67, 16, 8, 2);
        long[] points = [.. Enumerable.Range(1, 15).Where(done => done % 5 == 0 || done % 5 % every == 0).Select(done => (long)done)];
        for (int done = 1; done <= 15; done++)
        {
            Assert.Equal(points.First(point => point >= done), plan.AverageAtOrAfter(done, every));
        }

        foreach (long point in points)
        {
            Assert.Equal(points.Count(other => other <= point), plan.AveragesUpTo(point, every));
        }
    }

    [Fact]
    public void UpdatesBefore_is_by_mode()
    {
        var plan = new SharePlan(67, 16, 8, 8);
        Assert.Equal(35, ConsistencyRule.Of(new ConsistencyOptions { Mode = ConsistencyMode.Ssp }).UpdatesBefore(plan, 5));
        Assert.Equal(5, ConsistencyRule.Of(new ConsistencyOptions { Mode = ConsistencyMode.Backup }).UpdatesBefore(plan, 5));
        Assert.Equal(2, ConsistencyRule.Of(new ConsistencyOptions { Mode = ConsistencyMode.Local, AverageEvery = 3 }).UpdatesBefore(plan, 5));
    }
}
