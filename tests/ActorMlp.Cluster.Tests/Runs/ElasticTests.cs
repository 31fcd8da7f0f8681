using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Nodes that come, leave and are lost in the middle of a run.</summary>
public sealed class ElasticTests
{
    /// <summary>Long enough for nodes to come and go in it.</summary>
    private static readonly RunOptions Long = TestRuns.Digits with
    {
        Training = TestRuns.Digits.Training with { Epochs = 100 },
        Output = new OutputOptions { CheckpointEverySteps = 5 },
    };

    private static readonly Lazy<string> Expected = new(() => TestRuns.RunLocally(Long, threads: 2).WeightsSha256);

    [Fact]
    public async Task Node_that_joins_gets_shards_and_a_range_and_no_bit_changes()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(1);
        Task<ClusterNode>? joining = null;

        // One node alone is fast.
        RunOptions longer = Long with { Training = Long.Training with { Epochs = 400 } };
        TrainingResult result = await cluster.TrainAsync(longer, runEvent =>
        {
            if (runEvent is EpochCompleted && joining is null)
            {
                joining = cluster.AddAsync(NodeRoles.All.ToArray());
            }
        });
        await joining!;
        Assert.Equal(TestRuns.RunLocally(longer, threads: 2).WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(2, result.Summary.Nodes!.Count);
        Assert.All(result.Summary.Nodes, node => Assert.True(node.Steps > 0 && node.WeightBytes > 0 && node.GradientBytes > 0, node.ToString()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task Node_that_leaves_hands_over_and_no_step_is_lost(int leaver)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        Task? leaving = null;
        bool rewound = false;
        TrainingResult result = await cluster.TrainAsync(Long, runEvent =>
        {
            rewound |= runEvent is RunRewound;
            if (runEvent is EpochCompleted && leaving is null)
            {
                leaving = cluster.Nodes[leaver].LeaveAsync();
            }
        });
        await leaving!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(NodeEnd.Left, await cluster.Nodes[leaver].Ended);
        Assert.Equal(Expected.Value, result.Summary.WeightsSha256);
        Assert.False(rewound);
    }

    [Fact]
    public async Task Node_that_is_lost_costs_steps_since_the_last_checkpoint_and_no_bit()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        Task? dying = null;
        TrainingResult result = await cluster.TrainAsync(Long, runEvent =>
        {
            if (runEvent is EpochCompleted && dying is null)
            {
                dying = cluster.Nodes[1].DisposeAsync().AsTask();
            }
        });
        await dying!;
        Assert.Equal(Expected.Value, result.Summary.WeightsSha256);
    }

    [Fact]
    public async Task Run_waits_for_as_many_workers_as_it_asks_for_and_says_so()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(1);
        Task<ClusterNode>? joining = null;
        RunWaiting? waiting = null;
        int workersAtFirstEpoch = 0;
        var workers = new HashSet<int>();
        TrainingResult result = await cluster.TrainAsync(TestRuns.Digits with { Cluster = TestRuns.Digits.Cluster with { MinimumWorkers = 2 } }, runEvent =>
        {
            switch (runEvent)
            {
                case RunWaiting wait:
                    waiting = wait;
                    joining ??= cluster.AddAsync(NodeRoles.All.ToArray());
                    break;
                case WorkerChanged worker:
                    workers.Add(worker.Worker);
                    break;
                case EpochCompleted when workersAtFirstEpoch == 0:
                    workersAtFirstEpoch = workers.Count;
                    break;
            }
        });
        await joining!;
        Assert.Equal(new RunWaiting(Workers: 1, MinimumWorkers: 2, Servers: 1), waiting);
        Assert.Equal(2, workersAtFirstEpoch);
        Assert.Equal(TestRuns.RunLocally(TestRuns.Digits).WeightsSha256, result.Summary.WeightsSha256);
    }

    [Fact]
    public async Task Run_that_is_stopped_is_resumed_with_the_same_bits()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        using var folder = new TemporaryRun();
        using var stop = new CancellationTokenSource();
        TrainingResult stopped = await cluster.TrainAsync(
            Long, runEvent => (runEvent is EpochCompleted ? stop : null)?.Cancel(), folder, stop: stop);
        Assert.Equal(RunStatus.Stopped, stopped.Summary.Status);
        Assert.InRange(stopped.Summary.Steps, 1, 100 * 13 - 1);
        TrainingResult result = await cluster.TrainAsync(Long, folder: folder, resume: true);
        Assert.Equal(Expected.Value, result.Summary.WeightsSha256);
    }
}
