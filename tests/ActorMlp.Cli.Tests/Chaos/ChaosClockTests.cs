using ActorMlp.Cli.Chaos;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

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
    public void Recovery_from_a_kill_ends_with_the_first_step_without_the_node()
    {
        Publish(0, "a", "b", "c");
        Commit(0, 1, 2);
        Commit(2.6);
        Publish(2.8, "a", "c");
        Commit(3.1, 3.2);

        // Another process joins in its place: the run holds for it, which is no part of the recovery.
        Publish(5, "a", "b", "c");
        Commit(7);
        Assert.Equal(0.6, clock.RecoveryWithout(["b"], 2.5)!.Value, 6);
        Assert.Null(clock.RecoveryWithout(["d"], 2.5));
        Assert.Null(clock.RecoveryWithout(["b"], 6));
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

    [Fact]
    public void Return_is_counted_to_the_first_step_in_which_the_node_has_a_part_again()
    {
        Publish(0, "a", "b");
        Commit(0, 1, 2);
        Publish(6, "a");
        Commit(7, 8);
        Publish(12, "a", "b");
        Commit(12.5);
        Assert.Equal((true, 2.5), clock.ReturnOf("b", from: 2.5, until: 10));
        Assert.Equal((false, null), clock.ReturnOf("a", from: 2.5, until: 10));
        Assert.Equal((false, null), clock.ReturnOf("c", from: 2.5, until: 10));
    }

    [Fact]
    public void Return_of_a_node_that_does_not_come_back_is_unknown()
    {
        Publish(0, "a", "b");
        Commit(0, 1, 2);
        Publish(6, "a");
        Commit(7);
        Assert.Equal((true, null), clock.ReturnOf("b", from: 2.5, until: 10));
    }

    [Fact]
    public void Pause_names_the_step_at_which_the_run_stood()
    {
        Commit(0, 1, 2, 9, 9.1);
        Assert.Equal((6.5, 3L), clock.PauseAfter(2.5, double.PositiveInfinity));
    }

    /// <summary>A view of nodes that all compute, in seconds since the first step.</summary>
    private void Publish(double moment, params string[] nodes)
    {
        time.Now = TimeSpan.FromSeconds(100 + moment);
        clock.Report(new MembersKnown(nodes.Select((node, number) => (node, number)).ToDictionary(node => node.number, node => node.node)));
        clock.Report(new ViewStands(View.None with { Number = 1, Ranges = [.. nodes.Select((_, number) => new ShardRange(new WorkerId(number, 0), number, number + 1))] }, nodes[0]));
    }

    /// <summary>Commits steps at moments, in seconds since the first.</summary>
    private void Commit(params double[] moments)
    {
        foreach (double moment in moments)
        {
            time.Now = TimeSpan.FromSeconds(100 + moment);
            clock.Report(new StepCommittedEvent(new StepMetrics { Step = clock.Step + 1, Epoch = 1, Loss = 1, LearningRate = 0.1 }));
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
