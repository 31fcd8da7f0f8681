using ActorMlp.Cli.Chaos;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Tests.Chaos;

public sealed class ChaosClockTests
{
    private readonly ManualTime time = new();
    private readonly List<RunEvent> passedOn = [];
    private readonly ChaosClock clock;

    public ChaosClockTests() => clock = new ChaosClock(time, new Progress(passedOn));

    [Fact]
    public void Recovery_is_the_end_of_the_longest_pause_after_the_fault()
    {
        Commit(0, 0.1, 0.2, 0.3, 1.5, 1.6, 2.1);
        Assert.Equal(1.2, clock.RecoveryAfter(0.3, double.PositiveInfinity)!.Value, 6);
        Assert.Equal(0.25, clock.RecoveryAfter(1.85, double.PositiveInfinity)!.Value, 6);
    }

    [Fact]
    public void Recovery_does_not_count_the_pause_of_the_next_fault()
    {
        Commit(0, 1, 1.4, 1.5, 1.6, 1.8, 9);
        Assert.Equal(0.4, clock.RecoveryAfter(1, 1.9)!.Value, 6);
    }

    [Fact]
    public void Recovery_of_a_run_that_ended_before_is_unknown()
    {
        Commit(0, 1, 2);
        Assert.Null(clock.RecoveryAfter(2.5, double.PositiveInfinity));
    }

    [Fact]
    public void Steps_that_are_lost_are_those_beyond_the_checkpoint()
    {
        Commit(0, 1, 2, 3);
        clock.Report(new RunRewound(1, "lost"));
        (double seconds, long lost, string reason) = Assert.Single(clock.Rewinds);
        Assert.Equal((3, 3, "lost"), (seconds, lost, reason));
        clock.Report(new StandbyTookOver(4, "a server"));
        clock.Report(new CoordinatorTookOver(4));
        Assert.Equal(2, clock.Takeovers.Count);
        Assert.Equal(7, passedOn.Count);
    }

    /// <summary>Commits steps at moments, in seconds since the first.</summary>
    private void Commit(params double[] moments)
    {
        for (int i = 0; i < moments.Length; i++)
        {
            time.Now = TimeSpan.FromSeconds(100 + moments[i]);
            clock.Report(new StepCommittedEvent(new StepMetrics { Step = i + 1, Epoch = 1, Loss = 1, LearningRate = 0.1 }));
        }
    }

    private sealed class Progress(List<RunEvent> events) : IProgress<RunEvent>
    {
        public void Report(RunEvent value) => events.Add(value);
    }

    private sealed class ManualTime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
