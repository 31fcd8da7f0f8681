using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Tests.Optimizers;

public sealed class ScheduleSpecTests
{
    [Fact]
    public void Constant_stays() => Assert.Equal(0.5, Make(ScheduleKind.Constant).At(123));

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(9, 0.5)]
    [InlineData(10, 0.05)]
    [InlineData(29, 0.005)]
    public void Step_drops_after_each_interval(long step, double expected) =>
        Assert.Equal(expected, (Make(ScheduleKind.Step) with { IntervalSteps = 10 }).At(step), 1e-15);

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(25)]
    [InlineData(50)]
    [InlineData(88)]
    [InlineData(100)]
    [InlineData(150)]
    public void Cosine_follows_the_cosine_to_the_minimum(long step)
    {
        double expected = 0.1 + 0.2 * (1 + Math.Cos(Math.PI * Math.Min(1, step / 100.0)));
        Assert.Equal(expected, (Make(ScheduleKind.Cosine) with { Minimum = 0.1 }).At(step), 1e-14);
    }

    [Fact]
    public void Inverse_time_divides() => Assert.Equal(0.25, (Make(ScheduleKind.InverseTime) with { Decay = 0.01 }).At(100), 1e-15);

    [Theory]
    [InlineData(ScheduleKind.Constant)]
    [InlineData(ScheduleKind.Cosine)]
    public void Warm_up_rises_in_a_line(ScheduleKind kind)
    {
        ScheduleSpec schedule = Make(kind) with { WarmupSteps = 5 };
        Assert.Equal([0.1, 0.2, 0.3, 0.4, 0.5], Enumerable.Range(0, 5).Select(step => Math.Round(schedule.At(step), 12)));
        Assert.Equal(0.5, schedule.At(5), 1e-12);
    }

    private static ScheduleSpec Make(ScheduleKind kind) => new() { Kind = kind, LearningRate = 0.5, TotalSteps = 100 };
}
