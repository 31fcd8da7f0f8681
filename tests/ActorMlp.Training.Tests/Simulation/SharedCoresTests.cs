using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Planning;
using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>Work on the cores of one machine, and plans of processes that share them.</summary>
public sealed class SharedCoresTests
{
    /// <summary>Cores, then for each piece of work its beginning, what it takes with cores of its own, its threads, and when it is to end; milliseconds.</summary>
    public static TheoryData<int, double[][]> Schedules { get; } = new()
    {
        { 1, [[0, 10, 1, 10]] },
        { 1, [[0, 10, 1, 20], [0, 10, 1, 20]] },
        { 2, [[0, 10, 1, 10], [0, 10, 1, 10]] },

        // The third shares a core with the first; at the 10th millisecond the second is done, and the third has the other core.
        { 2, [[0, 10, 1, 15], [0, 10, 1, 10], [0, 10, 1, 15]] },
        { 8, [[0, 10, 3, 10], [0, 20, 5, 20]] },
        { 4, [[0, 10, 4, 10]] },
        { 2, [[0, 10, 4, 20]] },

        // Two share the core from the 4th millisecond; the second has had 6 of its 6 when the first, with 10, has 2 left.
        { 1, [[0, 12, 1, 18], [4, 6, 1, 16]] },

        // Of two threads one has a core and the other half of one, beside a third; then that one has it alone.
        { 2, [[0, 10, 2, 40.0 / 3], [0, 10, 1, 50.0 / 3]] },
        { 2, [[0, 0, 1, 0], [0, 5, 2, 5]] },
    };

    [Theory]
    [MemberData(nameof(Schedules))]
    public void Work_ends_when_its_share_of_the_cores_has_done_it(int cores, double[][] work)
    {
        (double[] ends, double coreSeconds) = Run(cores, work);
        Assert.All(ends.Zip(work), pair => Assert.Equal(pair.Second[3], pair.First, 3));
        double asked = work.Sum(one => one[1] * one[2]);
        Assert.Equal(asked, coreSeconds * 1e3, 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Work_of_any_kind_is_conserved_and_never_faster_than_alone(int cores)
    {
        double[][] work = [.. Enumerable.Range(0, 40).Select(i => new double[] { i * 7 % 31, 1 + i * 13 % 17, 1 + i % 3 })];
        (double[] ends, double coreSeconds) = Run(cores, work);
        Assert.Equal(work.Sum(one => one[1] * one[2]), coreSeconds * 1e3, 2);
        Assert.All(ends.Zip(work), pair => Assert.True(pair.First >= pair.Second[0] + (pair.Second[1] * Math.Max(1, pair.Second[2] / cores)) - 0.001));
        Assert.True(ends.Max() >= work.Sum(one => one[1] * one[2]) / cores - 0.001, "more was done than there are cores");
        Assert.Equal(ends, Run(cores, work).Ends);
    }

    [Theory]
    [InlineData(1, 1, 0.001)]
    [InlineData(2, 2, 0.001)]
    [InlineData(4, 4, 0.001)]
    [InlineData(4, 64, 0.001)]
    [InlineData(4, 2, 2)]
    [InlineData(4, 1, 4)]
    public void Plan_with_as_many_cores_as_threads_is_that_of_machines_of_their_own_and_with_fewer_takes_as_many_times_as_long(int processes, int cores, double times)
    {
        ClusterPlan apart = Plan(processes) with { Link = new LinkModel(1e15, TimeSpan.Zero) };
        ClusterPlan shared = Plan(processes) with { Machine = new MachineModel(cores, 1, Free) };
        TimeSpan alone = MessageLevelForecast.Run(apart, 1).Step.Step, together = MessageLevelForecast.Run(shared, 1).Step.Step;
        Assert.Equal(times < 1 ? 1 : times, together / alone, 0.02);
    }

    [Fact]
    public void Plan_of_processes_takes_longer_the_dearer_each_cost_is_and_says_the_same_each_time()
    {
        MessageCosts assumed = MessageCosts.Assumed;
        StepForecast step = With(assumed);
        Assert.True(With(Free).Step < step.Step);
        MessageCosts[] dearer =
        [
            assumed with { Megabyte = assumed.Megabyte * 4 },
            assumed with { Frame = assumed.Frame * 4 },
            assumed with { WakingPool = assumed.WakingPool * 40 },
            assumed with { SpinningPool = assumed.SpinningPool * 4 },
            assumed with { TellingActor = assumed.TellingActor * 4 },
            assumed with { CopyingMegabyte = assumed.CopyingMegabyte * 4 },
            assumed with { Background = 0.2 },
        ];
        Assert.All(dearer, costs => Assert.True(With(costs).Step > step.Step, $"{costs}"));
        Assert.Equal(step, With(assumed));
        Assert.All(new[] { step.Compute, step.Waiting, step.Update, step.Weights }, part => Assert.True(part >= TimeSpan.Zero, $"{step}"));

        static StepForecast With(MessageCosts costs) => MessageLevelForecast.Run(Plan(4) with { Machine = new MachineModel(2, 1, costs), Standbys = 1 }, 1).Step;
    }

    [Fact]
    public void Cores_of_a_plan_do_what_its_step_asks_for()
    {
        ClusterPlan plan = Plan(4) with { Machine = new MachineModel(2, 1, Free) };
        StepForecast step = MessageLevelForecast.Run(plan, 1).Step;
        Assert.Equal(step.Cores.Total, step.Cores.Computing);
        Assert.Equal(1, step.Cores.Computing / (plan.ShardTime * plan.Shape.Shards), 0.01);

        MachineUse dear = MessageLevelForecast.Run(plan with { Machine = new MachineModel(2, 1, MessageCosts.Assumed) }, 1).Step.Cores;
        Assert.Equal(1, dear.Computing / step.Cores.Computing, 0.01);
        Assert.All(new[] { dear.Frames, dear.HandingOver, dear.Copying, dear.Background }, part => Assert.True(part > TimeSpan.Zero, $"{dear}"));
    }

    [Theory]
    [InlineData(1, 20)]
    [InlineData(2, 0)]
    public void Checkpoint_of_a_plan_delays_its_steps_by_what_writing_takes_from_their_cores(int cores, double milliseconds)
    {
        // Of 2 MB of weights and as much optimizer state.
        ClusterPlan plan = Plan(1) with { OptimizerSlots = 1, Machine = new MachineModel(cores, 1, Free with { WritingMegabyte = TimeSpan.FromMilliseconds(5) }) };
        Assert.Equal(milliseconds, MessageLevelForecast.Run(plan, 1).Step.Checkpoint.TotalMilliseconds, 0.1);
        Assert.Equal(0, MessageLevelForecast.Run(plan with { Machine = new MachineModel(cores, 1, Free) }, 1).Step.Checkpoint.TotalMilliseconds, 0.1);
    }

    [Fact]
    public void Checkpoint_of_a_plan_costs_frames_and_messages_too_and_none_is_planned_for_machines_of_their_own()
    {
        ClusterPlan plan = Plan(2) with { OptimizerSlots = 1, Machine = new MachineModel(2, 1, MessageCosts.Assumed with { WritingMegabyte = TimeSpan.Zero }) };
        Assert.True(MessageLevelForecast.Run(plan, 1).Step.Checkpoint > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, MessageLevelForecast.Run(plan with { Machine = null }, 1).Step.Checkpoint);
        Assert.Equal((1, 7), (plan.CheckpointsOfEpoch, (plan with { Shape = plan.Shape with { CheckpointEverySteps = 16 } }).CheckpointsOfEpoch));
    }

    [Fact]
    public void Reduced_model_refuses_processes_that_share_cores() =>
        Assert.Throws<ArgumentException>(() => ReducedForecast.Run(Plan(100) with { Machine = new MachineModel(2, 1, Free) }, 1));

    private static MessageCosts Free { get; } = new()
    {
        Megabyte = TimeSpan.Zero,
        Frame = TimeSpan.Zero,
        ControlMessage = TimeSpan.Zero,
        WakingPool = TimeSpan.Zero,
        SpinningPool = TimeSpan.Zero,
        TellingActor = TimeSpan.Zero,
        CopyingMegabyte = TimeSpan.Zero,
        WritingMegabyte = TimeSpan.Zero,
        Background = 0,
    };

    /// <summary>When each piece of work ended, in milliseconds, and what cores did in all.</summary>
    private static (double[] Ends, double CoreSeconds) Run(int cores, double[][] work)
    {
        var clock = new VirtualClock();
        var shared = new SharedCores(clock, cores);
        var ends = new double[work.Length];
        foreach ((int i, double[] one) in work.Index())
        {
            clock.After(TimeSpan.FromMilliseconds(one[0]), () =>
                shared.Begin(TimeSpan.FromMilliseconds(one[1]), (int)one[2], () => ends[i] = clock.Now.TotalMilliseconds));
        }

        while (clock.Step())
        {
        }

        return (ends, shared.CoreSeconds);
    }

    /// <summary>Nothing is left to chance, and updates take next to nothing.</summary>
    private static ClusterPlan Plan(int nodes) => new()
    {
        Shape = new RunShape { Epochs = 1, StepsPerEpoch = 100, Shards = 32, Workers = 1, ParameterLength = 500_000, LearningRate = _ => 0.1 },
        RowsPerStep = 2048,
        Nodes = nodes,
        Servers = nodes,
        PiecesPerServer = 2,
        GradientBytes = 2e6,
        Link = new LinkModel(1e9, TimeSpan.FromMicroseconds(50)),
        ShardTime = TimeSpan.FromMilliseconds(1),
        UpdateTime = TimeSpan.FromMicroseconds(10),
        Noise = 0,
    };
}
