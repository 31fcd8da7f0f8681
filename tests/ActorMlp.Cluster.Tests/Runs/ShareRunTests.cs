using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Tests.Consistency;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Runs that are made of shares on several nodes: a replay of the log that their keeper wrote gives their bits, whoever is lost on the way.</summary>
public sealed class ShareRunTests
{
    public static TheoryData<ConsistencyMode> Modes { get; } =
        new([ConsistencyMode.Ssp, ConsistencyMode.Async, ConsistencyMode.Backup, ConsistencyMode.Local]);

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Run_of_any_mode_goes_through_the_loss_of_a_worker_and_its_log_replays(ConsistencyMode mode)
    {
        using var run = new RecordedRun(Options(mode));
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        int lost = -1;
        TrainingResult result = await run.TrainLosingAsync(cluster, (number, node) =>
        {
            bool isOnlyWorker = number != 0 && node != cluster.Nodes[0];
            lost = isOnlyWorker ? number : lost;
            return isOnlyWorker;
        });
        run.AssertReplays(result);
        Assert.Equal(3, run.Log.Header.Workers);
        Assert.DoesNotContain(run.Events, runEvent => runEvent is RunRewound);
        UpdatePart[] last = [.. run.Log.Records.Where(update => update.Clock >= (EpochsOf(mode) - 1) * 13).SelectMany(update => update.Parts)];
        Assert.DoesNotContain(last, part => part.Worker == lost);

        // In backup the others need not wait for the share whose worker is lost, but nothing keeps it from being in time.
        Assert.True(mode == ConsistencyMode.Backup || last.Any(part => part.Share == lost), "nobody computes the share of the worker that was lost");
        Assert.Contains(run.Events.OfType<RunNotice>(), notice => notice.Text.Contains("cluster.standbys is not used", StringComparison.Ordinal));
        if (mode == ConsistencyMode.Local)
        {
            using var alone = new ConsistentRun(Options(mode).With(3, 2));
            Assert.Equal((await alone.TrainAsync()).Summary.WeightsSha256, result.Summary.WeightsSha256);
        }
    }

    [Theory]
    [InlineData(ConsistencyMode.Ssp, true)]
    [InlineData(ConsistencyMode.Async, true)]
    [InlineData(ConsistencyMode.Backup, true)]
    [InlineData(ConsistencyMode.Local, true)]
    [InlineData(ConsistencyMode.Async, false)]
    [InlineData(ConsistencyMode.Local, false)]
    public async Task Run_that_loses_lead_or_coordinator_goes_back_to_its_last_checkpoint_and_its_log_replays(ConsistencyMode mode, bool lead)
    {
        using var run = new RecordedRun(Options(mode));
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        TrainingResult result = await run.TrainLosingAsync(cluster, (number, node) => lead ? number == 0 : node == cluster.Nodes[0]);
        run.AssertReplays(result);
        Assert.Contains(run.Events, runEvent => runEvent is RunRewound rewound && rewound.MayDiffer == (mode != ConsistencyMode.Local));
    }

    [Fact]
    public async Task Run_that_is_stopped_goes_on_with_the_shares_it_was_begun_with_on_fewer_nodes()
    {
        using var run = new RecordedRun(Options(ConsistencyMode.Ssp));
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        using var stop = new CancellationTokenSource();
        TrainingResult stopped = await run.TrainAsync(cluster, runEvent => (runEvent is EpochCompleted ? stop : null)?.Cancel(), stop: stop);
        Assert.Equal(RunStatus.Stopped, stopped.Summary.Status);
        run.AssertReplays(stopped);
        await cluster.Nodes[1].LeaveAsync();
        TrainingResult result = await run.TrainAsync(cluster, resume: true);
        run.AssertReplays(result);
        Assert.Equal((3, EpochsOf(ConsistencyMode.Ssp) * 13L), (run.Log.Header.Workers, result.Summary.Steps));
    }

    [Theory]
    [InlineData(ConsistencyMode.Async)]
    [InlineData(ConsistencyMode.Local)]
    public async Task Lead_that_leaves_hands_over_and_a_node_that_joins_takes_its_share(ConsistencyMode mode)
    {
        using var run = new RecordedRun(Options(mode, epochs: 150));
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        Task<ClusterNode>? joining = null;
        Task? leaving = null;
        TrainingResult result = await run.TrainAsync(cluster, runEvent =>
        {
            switch (runEvent)
            {
                case EpochCompleted when joining is null:
                    joining = cluster.AddAsync(NodeRoles.All.ToArray());
                    break;
                case MembersKnown { Nodes.Count: 3 } when leaving is null:
                    leaving = cluster.Nodes.First(node => run.NumberOf(node) == 0).LeaveAsync();
                    break;
            }
        });
        await joining!;
        await leaving!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        run.AssertReplays(result);
        Assert.Equal(2, run.Log.Header.Workers);
    }

    [Fact]
    public async Task Backups_that_leave_nobody_are_refused_at_the_start()
    {
        using var run = new RecordedRun(Options(ConsistencyMode.Backup));
        await using TestCluster cluster = await TestCluster.StartAsync(1);
        RunRefusedException refused = await Assert.ThrowsAsync<RunRefusedException>(() => run.TrainAsync(cluster));
        Assert.Equal("training.consistency.backups: is 1, but only 1 workers share a step; allowed: 0 to 0", refused.Reasons.Single());
    }

    /// <summary>Epochs enough for a node that is lost after the first to be missed before the last, also where the machine is fast; a step of copies that are averaged costs least.</summary>
    private static int EpochsOf(ConsistencyMode mode) => mode == ConsistencyMode.Local ? 150 : 60;

    private static RunOptions Options(ConsistencyMode mode, int? epochs = null) => TestRuns.Digits with
    {
        Training = TestRuns.Digits.Training with
        {
            Epochs = epochs ?? EpochsOf(mode),
            Consistency = mode == ConsistencyMode.Local ? new ConsistencyOptions { Mode = mode, AverageEvery = 4 } : new ConsistencyOptions { Mode = mode },
        },
        Output = new OutputOptions { CheckpointEverySteps = 5 },
    };

    /// <summary>A run in a folder of its own that has all a replay reads, as the command writes it.</summary>
    private sealed class RecordedRun(RunOptions options) : IDisposable
    {
        private readonly TemporaryRun folder = new();

        public List<RunEvent> Events { get; } = [];

        /// <summary>A node's number in the run; -1 for a stranger.</summary>
        public int NumberOf(ClusterNode node) => Events.OfType<MembersKnown>().Last().Nodes
            .Where(member => member.Value == node.Address.ToString()).Select(member => member.Key).DefaultIfEmpty(-1).First();

        /// <summary>Trains, and loses a node as soon as an epoch is over.</summary>
        public async Task<TrainingResult> TrainLosingAsync(TestCluster cluster, Func<int, ClusterNode, bool> which)
        {
            Task? dying = null;
            TrainingResult result = await TrainAsync(cluster, runEvent =>
            {
                if (runEvent is EpochCompleted && dying is null)
                {
                    dying = cluster.Nodes.First(node => which(NumberOf(node), node)).DisposeAsync().AsTask();
                }
            });
            await dying!;
            return result;
        }

        public (UpdateLogHeader Header, IReadOnlyList<UpdateRecord> Records) Log => UpdateLog.Read(folder.Directory.Updates);

        public async Task<TrainingResult> TrainAsync(TestCluster cluster, Action<RunEvent>? watch = null, bool resume = false, CancellationTokenSource? stop = null)
        {
            using MetricsLog metrics = MetricsLog.Open(folder.Directory.Metrics, resume ? folder.Directory.LoadNewestCheckpoint([]).Progress.Step : 0);
            TrainingResult result = await cluster.TrainAsync(
                options,
                runEvent =>
                {
                    Events.Add(runEvent);
                    switch (runEvent)
                    {
                        case EpochCompleted epoch:
                            metrics.Append(epoch.Metrics);
                            break;
                        case RunRewound rewound:
                            metrics.Rewind(rewound.Step);
                            break;
                    }

                    watch?.Invoke(runEvent);
                },
                folder,
                resume,
                stop);
            SummaryFile.Write(folder.Directory.Summary, result.Summary);
            return result;
        }

        public void AssertReplays(TrainingResult result)
        {
            using var pool = new ComputePool(2);
            ReplayResult replay = new RunReplay(TestRuns.Prepare(options), folder.Directory, pool).Run();
            Assert.Empty(replay.Differences);
            Assert.Equal(result.Summary.WeightsSha256, replay.WeightsSha256);
        }

        public void Dispose() => folder.Dispose();
    }
}
