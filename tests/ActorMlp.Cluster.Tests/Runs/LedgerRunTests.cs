using ActorMlp.Cluster.Hosting;
using ActorMlp.Training.Audits;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>The ledgers of runs in which something goes wrong: each holds, and tells what happened.</summary>
public sealed class LedgerRunTests
{
    /// <summary>Long enough for nodes to go in it; without standbys, so that a node that is lost takes the run back.</summary>
    private static readonly RunOptions Long = TestRuns.Digits with
    {
        Cluster = TestRuns.Digits.Cluster with { Standbys = 0 },
        Training = TestRuns.Digits.Training with { Epochs = 100 },
        Output = new OutputOptions { CheckpointEverySteps = 5 },
    };

    [Fact]
    public async Task Workers_that_fail_are_in_the_ledger_with_what_was_dealt_again()
    {
        using var run = new TemporaryRun();
        using var record = new Record(run.Directory);
        TrainingResult result = await run.TrainAsync(
            TestRuns.Digits.With(3, 2),
            beforeCompute: (worker, task) => _ = worker.Incarnation == 0 && task.Step == 4 + worker.Number ? throw new InvalidOperationException("planted") : 0,
            watch: record.Enter);
        AuditReport report = record.Audit(TestRuns.Digits, result.Summary);
        Assert.Null(report.Finding);
        Assert.Equal(["0", "1", "2"], report.Workers.Select(worker => worker.Name));
        Assert.Equal(result.Summary.Ledger.ShardsReissued, report.Redealt.Sum(entry => entry.Count));
        Assert.Contains(report.Redealt, entry => entry.Reason == RedealReason.Lost);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public async Task Nodes_that_leave_or_are_lost_are_in_the_ledger_by_their_addresses(int node, bool isLost)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        string[] addresses = [.. cluster.Nodes.Select(one => one.Address.ToString()).Order(StringComparer.Ordinal)];
        using var folder = new TemporaryRun();
        using var record = new Record(folder.Directory);
        Task? going = null;
        TrainingResult result = await cluster.TrainAsync(
            Long,
            runEvent =>
            {
                record.Enter(runEvent);
                if (runEvent is EpochCompleted && going is null)
                {
                    going = isLost ? cluster.Nodes[node].DisposeAsync().AsTask() : cluster.Nodes[node].LeaveAsync();
                }
            },
            folder);
        await going!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        AuditReport report = record.Audit(Long, result.Summary);
        Assert.Null(report.Finding);
        Assert.Equal(100 * 13, report.Steps);
        Assert.Equal(addresses, report.Workers.Select(worker => worker.Name).Order(StringComparer.Ordinal));
        Assert.Equal(isLost, report.Rewinds.Count > 0);
    }

    /// <summary>Writes down what a run tells, as the command does.</summary>
    private sealed class Record(RunDirectory directory) : IDisposable
    {
        private readonly LedgerLog ledger = LedgerLog.Open(directory.Ledger, 0);
        private readonly MetricsLog metrics = MetricsLog.Open(directory.Metrics, 0);

        public void Enter(RunEvent runEvent)
        {
            ledger.Record(runEvent);
            switch (runEvent)
            {
                case EpochCompleted epoch:
                    metrics.Append(epoch.Metrics);
                    break;
                case RunRewound rewound:
                    metrics.Rewind(rewound.Step);
                    break;
            }
        }

        public AuditReport Audit(RunOptions options, RunSummary summary)
        {
            SummaryFile.Write(directory.Summary, summary);
            return RunAudit.Of(directory, options);
        }

        public void Dispose()
        {
            ledger.Dispose();
            metrics.Dispose();
        }
    }
}
