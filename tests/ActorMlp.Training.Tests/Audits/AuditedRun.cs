using System.Text;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Audits;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Tests.Storage;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Audits;

/// <summary>
/// The folder of a run of made-up figures, as a run writes it: 20 rows, batches of 6, 4 shards, 2 epochs, so 8 steps. Worker 2 is lost in step 5. And ways
/// to forge its ledger, with checksums that are right.
/// </summary>
internal sealed class AuditedRun : IDisposable
{
    private const int Rows = 20;
    private const int StepsPerEpoch = 4;

    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0), new(2, 0)];

    private readonly TestFolder folder = new();

    /// <summary>A folder after some steps.</summary>
    /// <param name="steps">Steps that were committed.</param>
    /// <param name="ended">Whether the run has ended, and so has a summary.</param>
    public AuditedRun(int steps = 8, bool ended = true)
    {
        Directory = new RunDirectory(folder.Path);
        using (LedgerLog ledger = LedgerLog.Open(Directory.Ledger, 0))
        using (MetricsLog metrics = MetricsLog.Open(Directory.Metrics, 0))
        {
            Train(ledger, metrics, 0, steps);
        }

        if (ended)
        {
            WriteSummary(Summary(steps));
        }
    }

    public static RunOptions Options { get; } = new()
    {
        Training = new TrainingOptions { Epochs = 2, BatchSize = 6, ShardsPerStep = 4, Seed = 42 },
        Output = new OutputOptions { StepMetrics = true },
    };

    public RunDirectory Directory { get; }

    /// <summary>How such a run ends.</summary>
    public static RunSummary Summary(int steps) => TinyRun.Summary with
    {
        Status = steps == 8 ? RunStatus.Completed : RunStatus.Stopped,
        Steps = steps,
        Epochs = steps / StepsPerEpoch,
        Train = steps < StepsPerEpoch ? null : Figures(Enumerable.Range((steps / StepsPerEpoch - 1) * StepsPerEpoch, StepsPerEpoch)),
        Ledger = new LedgerSummary { ShardsCommitted = 4 * steps, ShardsReissued = steps > 5 ? 2 : 0, DuplicatesDropped = steps > 5 ? 1 : 0 },
    };

    public static void Train(LedgerLog ledger, MetricsLog metrics, int first, int end)
    {
        ledger.Record(new RunStarted
        {
            RunId = "tiny-20260101-120000",
            Parameters = 188,
            LayerSizes = [3, 3],
            TrainingRows = Rows,
            ValidationRows = 0,
            TestRows = 0,
            Epochs = 2,
            StepsPerEpoch = StepsPerEpoch,
            FirstStep = first,
            Workers = 3,
            Threads = 1,
            Kernel = "scalar",
        });
        ledger.Record(new ViewStands(new View(1, [new(Workers[0], 0, 2), new(Workers[1], 2, 3), new(Workers[2], 3, 4)])));
        for (int step = first; step < end; step++)
        {
            bool lost = step >= 5;
            if (step == 5)
            {
                ledger.Record(new ViewStands(new View(2, [new(Workers[0], 0, 2), new(Workers[1], 2, 4)])));
            }

            StepMetrics figures = new()
            {
                Step = step + 1,
                Epoch = step / StepsPerEpoch + 1,
                Loss = Totals(step).LossSum / Totals(step).Rows,
                LearningRate = 0.1,
            };
            metrics.Append(figures);
            ledger.Record(new StepCommittedEvent(figures)
            {
                Account = new StepAccount(
                    step,
                    lost ? 2 : 1,
                    Totals(step),
                    lost
                        ? [new(0, new TreeNode(1, 0)), new(1, new TreeNode(1, 1))]
                        : [new(0, new TreeNode(1, 0)), new(1, new TreeNode(0, 2)), new(2, new TreeNode(0, 3))],
                    step == 5 ? 1 : 0,
                    step == 5 ? [new RedealtShards(1, 2, 1, RedealReason.Moved), new RedealtShards(2, 3, 1, RedealReason.Lost)] : []),
            });
            if ((step + 1) % StepsPerEpoch == 0)
            {
                metrics.Append(new EpochMetrics
                {
                    Epoch = step / StepsPerEpoch + 1,
                    Step = step + 1,
                    Train = Figures(Enumerable.Range(step + 1 - StepsPerEpoch, StepsPerEpoch)),
                    LearningRate = 0.1,
                    SamplesPerSecond = 1,
                    WallSeconds = 1,
                });
            }
        }
    }

    public AuditReport Audit() => RunAudit.Of(Directory, Options);

    public void WriteSummary(RunSummary summary) => SummaryFile.Write(Directory.Summary, summary);

    /// <summary>What the ledger says.</summary>
    public List<LedgerLine> Lines()
    {
        var reader = new LedgerReader();
        return [.. File.ReadLines(Directory.Ledger).Select(line => reader.Read(Encoding.UTF8.GetBytes(line)))];
    }

    /// <summary>Writes another ledger.</summary>
    public void Forge(Func<List<LedgerLine>, List<LedgerLine>> forge)
    {
        List<LedgerLine> lines = forge(Lines());
        var writer = new LedgerWriter(LedgerChecksum.Start);
        File.WriteAllText(Directory.Ledger, string.Concat(lines.Select(line => Encoding.UTF8.GetString(writer.Write(line).Span))));
    }

    /// <summary>Writes another account of a step.</summary>
    public void ForgeStep(int step, Func<StepAccount, StepAccount> forge) => Forge(lines =>
        [.. lines.Select(line => line is StepLine one && one.Account.Step == step ? one with { Account = forge(one.Account) } : line)]);

    public void Dispose() => folder.Dispose();

    private static GradientTotals Totals(int step) =>
        new(step % StepsPerEpoch == 3 ? 2 : 6, 7.0 / (step + 3), step % 3);

    private static SplitMetrics Figures(IEnumerable<int> steps)
    {
        GradientTotals sum = steps.Aggregate(default(GradientTotals), (totals, step) => totals + Totals(step));
        return new SplitMetrics { Loss = sum.LossSum / sum.Rows, Accuracy = (double)sum.Correct / sum.Rows };
    }
}
