using ActorMlp.Cluster.Faults;
using ActorMlp.Engine.Random;
using CsCheck;

namespace ActorMlp.Cluster.Tests.Faults;

public sealed class LinkScheduleTests
{
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void Bytes_take_the_delay_at_least_and_the_jitter_more_at_most()
    {
        LinkSchedule schedule = Schedule(1);
        var conditions = new LinkConditions { Delay = TimeSpan.FromMilliseconds(5), Jitter = TimeSpan.FromMilliseconds(1) };
        List<double> taken = [];
        for (int i = 0; i < 1000; i++)
        {
            TimeSpan sent = TimeSpan.FromMilliseconds(10 * i);
            taken.Add((schedule.Arrival(sent, 100, conditions, RoundTrip) - sent).TotalMilliseconds);
        }

        Assert.InRange(taken.Min(), 5, 5.02);
        Assert.InRange(taken.Max(), 5.98, 6);
    }

    [Fact]
    public void Nothing_overtakes_what_was_sent_before_it()
    {
        Gen.Select(Gen.ULong, Gen.Int[0, 100], Gen.Int[0, 100], Gen.Double[0, LinkConditions.MaxLoss], Gen.Select(Gen.Int[0, 50], Gen.Int[0, 70_000]).List[1, 60]).Sample((seed, delay, jitter, loss, sends) =>
        {
            LinkSchedule schedule = Schedule(seed);
            TimeSpan now = default, last = default;
            for (int i = 0; i < sends.Count; i++)
            {
                // Conditions that change on the way, too.
                var conditions = new LinkConditions { Delay = TimeSpan.FromMilliseconds(i % 3 == 2 ? 0 : delay), Jitter = TimeSpan.FromMilliseconds(jitter), Loss = i % 5 == 4 ? 0 : loss };
                now += TimeSpan.FromMilliseconds(sends[i].Item1);
                TimeSpan arrival = schedule.Arrival(now, sends[i].Item2, conditions, RoundTrip);
                Assert.True(arrival >= last && arrival >= now + conditions.Delay);
                last = arrival;
            }
        });
    }

    [Fact]
    public void Same_seed_loses_the_same_segments_and_another_seed_or_connection_or_direction_others()
    {
        static string Fates(LinkSchedule schedule) => string.Concat(Enumerable.Range(0, 500).Select(i =>
        {
            long before = schedule.SegmentsLost;
            schedule.Arrival(TimeSpan.FromSeconds(i), 1, new LinkConditions { Loss = 0.2 }, RoundTrip);
            return (char)('0' + schedule.SegmentsLost - before);
        }));

        string fates = Fates(Schedule(1));
        Assert.Equal(fates, Fates(Schedule(1)));
        Assert.NotEqual(fates, Fates(Schedule(2)));
        Assert.NotEqual(fates, Fates(Schedule(1, connection: 2)));
        Assert.NotEqual(fates, Fates(Schedule(1, direction: LinkDirections.Back)));
    }

    [Fact]
    public void Share_of_segments_that_are_lost_is_the_loss()
    {
        LinkSchedule schedule = Schedule(3);
        const int Segments = 200_000;
        schedule.Arrival(default, Segments * LinkSchedule.SegmentBytes, new LinkConditions { Loss = 0.01 }, RoundTrip);

        // Five standard deviations of a binomial distribution, and those that were lost again.
        Assert.InRange(schedule.SegmentsLost, 2000 - 230, 2020 + 230);
    }

    [Fact]
    public void Lost_segment_costs_a_round_trip_where_others_follow_and_a_timeout_where_none_do()
    {
        // Among many seeds: one whose first segment is lost once.
        LinkConditions lossy = new() { Loss = 0.3 };
        ulong seed = Enumerable.Range(0, 1000).Select(i => (ulong)i).First(seed => LostOnce(seed, lossy));
        TimeSpan alone = Schedule(seed).Arrival(default, LinkSchedule.SegmentBytes, lossy, RoundTrip);
        Assert.Equal(RoundTrip + LinkSchedule.LeastTimeout, alone);

        // The same segment with many behind it, none of which is lost under a loss that only the first draw is below.
        var random = new CounterRandom(seed, RandomPurpose.Link);
        double draw = random.Uniform(1, (uint)LinkDirections.Out, 0);
        LinkConditions barely = new() { Loss = Math.BitIncrement(draw) };
        TimeSpan followed = Schedule(seed).Arrival(default, 4 * LinkSchedule.SegmentBytes, barely, RoundTrip);
        Assert.Equal(RoundTrip, followed);
    }

    [Fact]
    public void Line_sends_one_after_the_other_at_its_rate()
    {
        var line = new LinkLine(LinkDirections.Out, new LinkConditions { BitsPerSecond = 1_000_000 });
        Assert.Equal(TimeSpan.FromMilliseconds(100), line.Send(default, 12_500));
        Assert.Equal(TimeSpan.FromMilliseconds(200), line.Send(default, 12_500));
        Assert.Equal(TimeSpan.FromMilliseconds(150), line.RoomAt);
        Assert.Equal(TimeSpan.FromSeconds(5.1), line.Send(TimeSpan.FromSeconds(5), 12_500));
        line.Change(conditions => conditions with { BitsPerSecond = null });
        Assert.Equal(TimeSpan.FromSeconds(6), line.Send(TimeSpan.FromSeconds(6), 1 << 20));
    }

    [Fact]
    public void Line_with_a_low_rate_takes_few_bytes_at_a_time()
    {
        Assert.Equal(64 << 10, new LinkLine(LinkDirections.Out, new LinkConditions()).ChunkBytes);
        Assert.Equal(64 << 10, new LinkLine(LinkDirections.Out, new LinkConditions { BitsPerSecond = 1e9 }).ChunkBytes);
        Assert.Equal(12_500, new LinkLine(LinkDirections.Out, new LinkConditions { BitsPerSecond = 1e7 }).ChunkBytes);
        Assert.Equal(LinkSchedule.SegmentBytes, new LinkLine(LinkDirections.Out, new LinkConditions { BitsPerSecond = LinkConditions.MinBitsPerSecond }).ChunkBytes);
    }

    private static LinkSchedule Schedule(ulong seed, ulong connection = 1, LinkDirections direction = LinkDirections.Out) =>
        new(new CounterRandom(seed, RandomPurpose.Link), connection, direction);

    /// <summary>Whether a seed loses the first segment once, and none of the next three at the very draw of the first.</summary>
    private static bool LostOnce(ulong seed, LinkConditions conditions)
    {
        LinkSchedule schedule = Schedule(seed);
        schedule.Arrival(default, 1, conditions, RoundTrip);
        var random = new CounterRandom(seed, RandomPurpose.Link);
        double first = random.Uniform(1, (uint)LinkDirections.Out, 0);
        return schedule.SegmentsLost == 1
            && Enumerable.Range(1, 3).All(i => random.Uniform(1, (uint)LinkDirections.Out, (uint)i) > first)
            && random.Uniform(1, (1u << 2) | (uint)LinkDirections.Out, 0) > first;
    }
}
