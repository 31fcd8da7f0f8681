using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Tests.Faults;

/// <summary>When faults strike: at steps, at times, at random moments, again and again.</summary>
public sealed class FaultScheduleTests
{
    [Fact]
    public void Due_at_a_time_gives_each_occurrence_once_and_in_order()
    {
        var schedule = Schedule(
            Leave(FaultMoment.AtTime(Seconds(3))) with { Every = Seconds(2), Times = 3 },
            Leave(FaultMoment.AtTime(Seconds(4))));
        Assert.Equal(Seconds(3), schedule.NextTime);
        Assert.Empty(schedule.Due(100, Seconds(2.9)));
        Assert.Equal([(0, 0, 3.0), (1, 0, 4.0), (0, 1, 5.0)], Of(schedule.Due(0, Seconds(5))));
        Assert.Equal([(0, 2, 7.0)], Of(schedule.Due(0, Seconds(100))));
        Assert.Null(schedule.NextTime);
        Assert.Empty(schedule.Due(0, Seconds(1000)));
    }

    [Fact]
    public void Due_at_a_step_counts_repetitions_from_when_the_step_was_there()
    {
        var schedule = Schedule(Leave(FaultMoment.AtStep(10)) with { Every = Seconds(1), Times = 2 });
        Assert.Equal((10L, (TimeSpan?)null), (schedule.NextStep!.Value, schedule.NextTime));
        Assert.Empty(schedule.Due(9, Seconds(50)));
        Assert.Equal([(0, 0, 60.0)], Of(schedule.Due(12, Seconds(60))));
        Assert.Equal((null, Seconds(61)), (schedule.NextStep, schedule.NextTime!.Value));

        // The run may be set back before it goes on.
        Assert.Equal([(0, 1, 61.0)], Of(schedule.Due(5, Seconds(61))));
        Assert.Empty(schedule.Due(12, Seconds(99)));
    }

    [Fact]
    public void Due_without_times_goes_on_for_ever()
    {
        var schedule = Schedule(Leave(FaultMoment.AtTime(TimeSpan.Zero)) with { Every = Seconds(1) });
        Assert.Equal(1001, schedule.Due(0, Seconds(1000)).Count);
        Assert.Equal(Seconds(1001), schedule.NextTime);
    }

    [Fact]
    public void Due_at_random_draws_each_moment_in_a_window_of_its_own_by_the_seed()
    {
        Fault fault = Leave(FaultMoment.Between(Seconds(10), Seconds(20))) with { Every = Seconds(10), Times = 200 };
        IReadOnlyList<DueFault> one = Schedule(fault).Due(0, Seconds(10_000));
        Assert.All(one, due => Assert.InRange(due.Moment.TotalSeconds, 10 * (due.Occurrence + 1), 10 * (due.Occurrence + 2)));
        double[] within = [.. one.Select(due => due.Moment.TotalSeconds % 10)];
        Assert.True(within.Min() < 0.5 && within.Max() > 9.5, "moments do not fill their windows");
        Assert.True(one.Select(due => due.Choice % 3).Distinct().Count() == 3, "choices are always the same");
        Assert.Equal(one, Schedule(fault).Due(0, Seconds(10_000)));
        Assert.NotEqual(one, new FaultSchedule(new FaultScript { Seed = 2, Faults = [fault] }).Due(0, Seconds(10_000)));
    }

    private static Fault Leave(FaultMoment at) => new() { Kind = FaultKind.Leave, Target = FaultTarget.Random, At = at };

    private static FaultSchedule Schedule(params Fault[] faults) => new(new FaultScript { Faults = faults });

    private static TimeSpan Seconds(double count) => TimeSpan.FromSeconds(count);

    private static (int, int, double)[] Of(IEnumerable<DueFault> due) => [.. due.Select(one => (one.Index, one.Occurrence, one.Moment.TotalSeconds))];
}
