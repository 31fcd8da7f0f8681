using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Tests.Parallel;

public sealed class PartRangesTests
{
    [Theory]
    [InlineData(1, 5)]
    [InlineData(3, 0)]
    [InlineData(3, 2)]
    [InlineData(4, 103)]
    public void One_thread_alone_takes_every_part_once(int threads, int parts)
    {
        var ranges = new PartRanges(threads);
        for (int thread = 0; thread < threads; thread++)
        {
            ranges.Deal(parts);
            Assert.Equal(Enumerable.Range(0, parts), Taken(ranges, thread).Order());
        }
    }

    [Fact]
    public void Thread_takes_its_own_parts_in_order_then_others_from_the_back()
    {
        var ranges = new PartRanges(2);
        ranges.Deal(7);
        Assert.Equal([3, 4, 5, 6, 2, 1, 0], Taken(ranges, 1));
    }

    [Fact]
    public void Cancel_leaves_nothing()
    {
        var ranges = new PartRanges(2);
        ranges.Deal(7);
        ranges.Cancel();
        Assert.Empty(Taken(ranges, 0));
    }

    private static List<int> Taken(PartRanges ranges, int thread)
    {
        var taken = new List<int>();
        while (ranges.TryTake(thread, out int part))
        {
            taken.Add(part);
        }

        return taken;
    }
}
