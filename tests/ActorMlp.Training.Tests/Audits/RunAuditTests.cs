using ActorMlp.Engine.Batches;
using ActorMlp.Training.Audits;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Tests.Audits;

public sealed class RunAuditTests
{
    /// <summary>Forgeries that keep the checksums right; each with the line and the words of what must be found.</summary>
    public static TheoryData<string, string> Forgeries { get; } = new()
    {
        { "a step is missing", "ledger.jsonl:5: expected step 2, found step 3" },
        { "the last step is missing", "summary.json: has 8 steps, the ledger 7" },
        { "two steps are swapped", "ledger.jsonl:4: expected step 1, found step 2" },
        { "a step is there twice", "ledger.jsonl:5: expected step 2, found step 1" },
        { "a subtree is doubled", "ledger.jsonl:4: step 1: shard 0 is counted twice" },
        { "a subtree overlaps", "ledger.jsonl:4: step 1: shard 2 is counted twice" },
        { "a subtree is missing", "ledger.jsonl:4: step 1: shard 2 is counted by nobody" },
        { "the last subtree is missing", "ledger.jsonl:4: step 1: shard 3 is counted by nobody" },
        { "a subtree is beyond the tree", "ledger.jsonl:4: step 1: shard 4 is counted; the configuration has 4 shards per step" },
        { "a worker is another", "ledger.jsonl:4: shard 2 is counted for worker 0; by view 1 it is of worker 1" },
        { "a lost worker goes on", "ledger.jsonl:10: shard 2 is counted for worker 2; by view 2 it is of worker 1" },
        { "a late shard was another's", "ledger.jsonl:4: shard 2 is counted for worker 0; by view 1 it is of worker 1" },
        { "late shards are forgotten", "summary.json: has 32 shards committed, 2 dealt again" },
        { "rows are cut", "ledger.jsonl:4: step 1 has 5 rows; by the plan it has 6" },
        { "the loss is another", "metrics.jsonl:2: step 2 has the loss 0.2916666666666667; the ledger gives 0.2916666666666668" },
        { "a hit is added", "metrics.jsonl:5: epoch 1 has the accuracy 0.15 on the training rows; the ledger gives 0.2" },
        { "more hits than rows", "ledger.jsonl:4: step 1 has 7 hits among 6 rows" },
        { "the epoch is another", "ledger.jsonl:4: step 1 is of epoch 1, not 2" },
        { "a view is unknown", "ledger.jsonl:4: the step ended in view 7, which no line before it names" },
        { "views go back", "ledger.jsonl:10: the step ended in view 1, and the step before in view 2" },
        { "a view's line is missing", "ledger.jsonl:8: the step ended in view 2, which no line before it names" },
        { "a view deals too little", "ledger.jsonl:2: view 1 deals 3 shards; the configuration has 4" },
        { "a duplicate is forgotten", "summary.json: has 32 shards committed, 2 dealt again and 1 duplicates dropped; the ledger 32, 2 and 0" },
        { "dealt again is forgotten", "summary.json: has 32 shards committed, 2 dealt again and 1 duplicates dropped; the ledger 32, 0 and 1" },
        { "fewer training rows", "ledger.jsonl:1: the run starts with 2 epochs of 4 steps; by its configuration and 18 training rows it has 2 of 3" },
        { "more training rows", "ledger.jsonl:6: step 3 has 2 rows; by the plan it has 3" },
        { "the start is missing", "ledger.jsonl:1: the start of the run was expected first" },
        { "a start in between", "ledger.jsonl:5: the run is resumed at step 1, but 2 steps stand before" },
        { "a rewind whose steps stay", "ledger.jsonl:5: the run goes back from 2 to 1 steps, but 2 steps stand before" },
        { "a stranger among the nodes", "ledger.jsonl:4: worker 2 is no node of the run; named are 0, 1" },
        { "nothing is left", "ledger.jsonl: is empty; the start of the run was expected" },
    };

    [Fact]
    public void Run_that_was_left_alone_holds()
    {
        using var run = new AuditedRun();
        AuditReport report = run.Audit();

        Assert.Null(report.Finding);
        Assert.Equal((8, 2, 40, 20, 4, RunStatus.Completed), (report.Steps, report.Epochs, report.Rows, report.TrainingRows, report.ShardsPerStep, report.Status));
        Assert.Equal(
            [new WorkerShare("0", 16, 8, 20, 0.5), new WorkerShare("1", 11, 8, 11, 11.0 / 32), new WorkerShare("2", 5, 5, 9, 5.0 / 32)],
            report.Workers);
        Assert.Equal([new RedealtEntry(5, "1", 2, 1, RedealReason.Moved), new RedealtEntry(5, "2", 3, 1, RedealReason.Lost)], report.Redealt);
        Assert.Equal((1, 11), (report.DuplicatesDropped, report.Lines));
        Assert.Empty(report.Notes);
    }

    [Fact]
    public void Shard_that_was_late_may_be_counted_for_whoever_helped()
    {
        using var run = new AuditedRun();
        run.ForgeStep(1, account => account with { Counted = Helped, Redealt = [new(1, 2, 1, RedealReason.Late)], ShardsInVain = 1 });
        RunSummary summary = AuditedRun.Summary(8);
        run.WriteSummary(summary with { Ledger = summary.Ledger with { ShardsReissued = 3, ShardsLate = 1, ShardsInVain = 1 } });
        AuditReport report = run.Audit();

        Assert.Null(report.Finding);
        Assert.Contains(new RedealtEntry(1, "1", 2, 1, RedealReason.Late), report.Redealt);
        Assert.Equal(1, report.ShardsInVain);
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public void Forged_ledger_is_found_out(string forgery, string finding)
    {
        using var run = new AuditedRun();
        Forge(run, forgery);

        Assert.StartsWith(finding, run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Any_byte_changed_without_its_checksums_is_found_in_its_line()
    {
        using var run = new AuditedRun();
        byte[] whole = File.ReadAllBytes(run.Directory.Ledger);
        int line = 1;
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 1;
            File.WriteAllBytes(run.Directory.Ledger, changed);
            AuditFinding? finding = run.Audit().Finding;
            Assert.True(finding is { File: "ledger.jsonl" } && (finding.Line == line || whole[i] == '\n'), $"byte {i} of line {line}: {finding}");
            line += whole[i] == '\n' ? 1 : 0;
        }
    }

    [Fact]
    public void Line_taken_out_without_its_checksums_is_found_where_it_was()
    {
        using var run = new AuditedRun();
        string[] lines = File.ReadAllLines(run.Directory.Ledger);
        for (int i = 0; i < lines.Length - 1; i++)
        {
            File.WriteAllLines(run.Directory.Ledger, [.. lines[..i], .. lines[(i + 1)..]]);
            AuditFinding? finding = run.Audit().Finding;
            Assert.Equal(("ledger.jsonl", i + 1), (finding?.File, finding?.Line));
        }
    }

    [Fact]
    public void Last_line_cut_short_of_a_run_that_ended_is_found()
    {
        using var run = new AuditedRun();
        CutShort(run.Directory.Ledger);

        Assert.Equal("ledger.jsonl:11: the last line is cut short, but the run has ended", run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Last_line_cut_short_of_a_run_that_was_killed_is_told_and_holds()
    {
        using var run = new AuditedRun(7, ended: false);
        CutShort(run.Directory.Ledger);
        CutShort(run.Directory.Metrics);
        AuditReport report = run.Audit();

        Assert.Null(report.Finding);
        Assert.Equal((6, 1, null), (report.Steps, report.Epochs, report.Status));
        Assert.Contains("ledger.jsonl:10 is cut short: the process ended as it was written; it counts for nothing", report.Notes);
        Assert.Contains("the run has no summary.json: it has not ended, was killed, or failed", report.Notes);
    }

    [Fact]
    public void Ledger_that_is_behind_the_metrics_is_found()
    {
        using var run = new AuditedRun(4, ended: false);
        CutShort(run.Directory.Ledger);

        Assert.Equal("metrics.jsonl:4: step 4 is beyond the ledger, which has 3", run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Run_that_was_stopped_and_resumed_holds_and_tells_so()
    {
        using var run = new AuditedRun(3);
        Assert.Null(run.Audit().Finding);
        Resume(run, 3, 6);
        AuditReport killed = run.Audit();
        Assert.Null(killed.Finding);
        Assert.Equal((6, null), (killed.Steps, killed.Status));
        Assert.Contains("the run was stopped after 3 steps and resumed; it has not ended since", killed.Notes);

        Resume(run, 4, 8);
        run.WriteSummary(AuditedRun.Summary(8));
        AuditReport ended = run.Audit();
        Assert.Null(ended.Finding);
        Assert.Equal([3, 4], ended.ResumedAt);
        Assert.Equal(RunStatus.Completed, ended.Status);
    }

    [Fact]
    public void Steps_after_the_summary_without_a_resumption_are_found()
    {
        using var run = new AuditedRun(6);
        run.WriteSummary(AuditedRun.Summary(4));

        Assert.Equal("summary.json: has 4 steps, the ledger 6", run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Run_that_went_back_holds_and_tells_why()
    {
        using var run = new AuditedRun(6, ended: false);
        using (LedgerLog ledger = LedgerLog.Open(run.Directory.Ledger, 6))
        using (MetricsLog metrics = MetricsLog.Open(run.Directory.Metrics, 6))
        {
            ledger.Record(new RunRewound(2, "a node is lost"));
            metrics.Rewind(2);
            AuditedRun.Train(ledger, metrics, 2, 8);
        }

        run.WriteSummary(AuditedRun.Summary(8));
        AuditReport report = run.Audit();
        Assert.Null(report.Finding);
        Assert.Equal([new RewindEntry(2, 4, "a node is lost")], report.Rewinds);
    }

    [Theory]
    [InlineData("train", "summary.json: has the loss 0.5 on the training rows; the ledger gives")]
    [InlineData("no train", "summary.json: has no figures of the training rows")]
    [InlineData("epochs", "summary.json: has 1 epochs, the ledger 2")]
    [InlineData("steps", "summary.json: has 9 steps, the ledger 8")]
    [InlineData("shards", "summary.json: has 31 shards committed, 2 dealt again and 1 duplicates dropped; the ledger 32, 2 and 1")]
    public void Summary_that_differs_is_found(string what, string finding)
    {
        using var run = new AuditedRun();
        RunSummary summary = AuditedRun.Summary(8);
        run.WriteSummary(what switch
        {
            "train" => summary with { Train = new SplitMetrics { Loss = 0.5 } },
            "no train" => summary with { Train = null },
            "epochs" => summary with { Epochs = 1 },
            "steps" => summary with { Steps = 9 },
            _ => summary with { Ledger = summary.Ledger with { ShardsCommitted = 31 } },
        });

        Assert.StartsWith(finding, run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Completed_summary_of_too_few_steps_is_found()
    {
        using var run = new AuditedRun(6);
        run.WriteSummary(AuditedRun.Summary(6) with { Status = RunStatus.Completed });

        Assert.Equal("summary.json: is of a completed run of 6 steps; by its configuration it has 8", run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Metrics_without_an_epoch_or_with_one_twice_are_found()
    {
        using var run = new AuditedRun();
        string[] lines = File.ReadAllLines(run.Directory.Metrics);
        File.WriteAllLines(run.Directory.Metrics, lines[..^1]);
        Assert.Equal("metrics.jsonl: has 1 epochs, the ledger 2", run.Audit().Finding?.ToString());

        File.WriteAllLines(run.Directory.Metrics, [.. lines[..5], .. lines[4..]]);
        Assert.Equal("metrics.jsonl:6: expected epoch 2, found epoch 1", run.Audit().Finding?.ToString());

        File.WriteAllLines(run.Directory.Metrics, [.. lines[..2], lines[2][..20], .. lines[3..]]);
        Assert.Equal("metrics.jsonl:4: follows a line that is cut short", run.Audit().Finding?.ToString());

        File.Delete(run.Directory.Metrics);
        Assert.Equal("metrics.jsonl: is missing", run.Audit().Finding?.ToString());
    }

    [Fact]
    public void Other_configuration_is_found()
    {
        using var run = new AuditedRun();
        foreach (var training in new[]
        {
            AuditedRun.Options.Training with { BatchSize = 7 },
            AuditedRun.Options.Training with { ShardsPerStep = 8 },
            AuditedRun.Options.Training with { Epochs = 3 },
        })
        {
            Assert.NotNull(RunAudit.Of(run.Directory, AuditedRun.Options with { Training = training }).Finding);
        }
    }

    [Fact]
    public void Folder_without_a_ledger_is_a_storage_problem()
    {
        using var run = new AuditedRun();
        File.Delete(run.Directory.Ledger);

        Assert.Contains("there is nothing to audit", Assert.Throws<StorageException>(run.Audit).Message);
        Assert.Contains("no folder", Assert.Throws<StorageException>(() => RunAudit.Of(new RunDirectory(run.Directory.Ledger), AuditedRun.Options)).Message);
    }

    private static void Resume(AuditedRun run, int first, int end)
    {
        using LedgerLog ledger = LedgerLog.Open(run.Directory.Ledger, first);
        using MetricsLog metrics = MetricsLog.Open(run.Directory.Metrics, first);
        AuditedRun.Train(ledger, metrics, first, end);
    }

    private static void CutShort(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..^5]);
    }

    /// <summary>Worker 0 computed shard 2, which is worker 1's.</summary>
    private static CountedSubtree[] Helped => [new(0, new TreeNode(1, 0)), new(0, new TreeNode(0, 2)), new(2, new TreeNode(0, 3))];

    private static void Forge(AuditedRun run, string forgery)
    {
        CountedSubtree[] counted = [new(0, new TreeNode(1, 0)), new(1, new TreeNode(0, 2)), new(2, new TreeNode(0, 3))];
        switch (forgery)
        {
            case "a step is missing":
                run.Forge(lines => [.. lines.Where((_, i) => i != 4)]);
                break;
            case "the last step is missing":
                run.Forge(lines => lines[..^1]);
                File.WriteAllLines(run.Directory.Metrics, File.ReadAllLines(run.Directory.Metrics)[..^2]);
                break;
            case "two steps are swapped":
                run.Forge(lines => [.. lines[..3], lines[4], lines[3], .. lines[5..]]);
                break;
            case "a step is there twice":
                run.Forge(lines => [.. lines[..4], .. lines[3..]]);
                break;
            case "a subtree is doubled":
                run.ForgeStep(1, account => account with { Counted = [counted[0], .. counted] });
                break;
            case "a subtree overlaps":
                run.ForgeStep(1, account => account with { Counted = [.. counted[..2], new(1, new TreeNode(1, 1))] });
                break;
            case "a subtree is missing":
                run.ForgeStep(1, account => account with { Counted = [counted[0], counted[2]] });
                break;
            case "the last subtree is missing":
                run.ForgeStep(1, account => account with { Counted = counted[..2] });
                break;
            case "a subtree is beyond the tree":
                run.ForgeStep(1, account => account with { Counted = [.. counted, new(2, new TreeNode(1, 2))] });
                break;
            case "a worker is another":
                run.ForgeStep(1, account => account with { Counted = [counted[0], counted[1] with { Worker = 0 }, counted[2]] });
                break;
            case "a lost worker goes on":
                run.ForgeStep(6, account => account with { Counted = [counted[0], new(2, new TreeNode(1, 1))] });
                break;
            case "a late shard was another's":
                run.ForgeStep(1, account => account with { Counted = Helped, Redealt = [new(2, 2, 1, RedealReason.Late)] });
                break;
            case "late shards are forgotten":
                run.ForgeStep(1, account => account with { Counted = Helped, Redealt = [new(1, 2, 1, RedealReason.Late)] });
                break;
            case "rows are cut":
                run.ForgeStep(1, account => account with { Totals = account.Totals with { Rows = 5 } });
                break;
            case "the loss is another":
                run.ForgeStep(1, account => account with { Totals = account.Totals with { LossSum = 1.7500000000000009 } });
                break;
            case "a hit is added":
                run.ForgeStep(1, account => account with { Totals = account.Totals with { Correct = 2 } });
                break;
            case "more hits than rows":
                run.ForgeStep(1, account => account with { Totals = account.Totals with { Correct = 7 } });
                break;
            case "the epoch is another":
                run.Forge(lines => [.. lines.Select((line, i) => i == 3 ? (StepLine)line with { Epoch = 2 } : line)]);
                break;
            case "a view is unknown":
                run.ForgeStep(1, account => account with { View = 7 });
                break;
            case "views go back":
                run.ForgeStep(6, account => account with { View = 1 });
                break;
            case "a view's line is missing":
                run.Forge(lines => [.. lines.Where(line => line is not ViewLine { View: 2 })]);
                break;
            case "a view deals too little":
                run.Forge(lines => [.. lines.Select(line => line is ViewLine { View: 1 } view ? view with { Shares = [.. view.Shares.SkipLast(1)] } : line)]);
                break;
            case "a duplicate is forgotten":
                run.ForgeStep(5, account => account with { DuplicatesDropped = 0 });
                break;
            case "dealt again is forgotten":
                run.ForgeStep(5, account => account with { Redealt = [] });
                break;
            case "fewer training rows":
                run.Forge(lines => [(StartLine)lines[0] with { TrainingRows = 18 }, .. lines[1..]]);
                break;
            case "more training rows":
                run.Forge(lines => [(StartLine)lines[0] with { TrainingRows = 21 }, .. lines[1..]]);
                break;
            case "the start is missing":
                run.Forge(lines => lines[1..]);
                break;
            case "a start in between":
                run.Forge(lines => [.. lines[..4], (StartLine)lines[0] with { Step = 1 }, .. lines[4..]]);
                break;
            case "a rewind whose steps stay":
                run.Forge(lines => [.. lines[..4], new RewindLine(1, 2, "none"), .. lines[4..]]);
                break;
            case "a stranger among the nodes":
                run.Forge(lines => [.. lines[..2], new MembersLine(new Dictionary<int, string> { [0] = "a:1", [1] = "b:2" }), .. lines[2..]]);
                break;
            case "nothing is left":
                run.Forge(_ => []);
                break;
            default:
                throw new ArgumentException(forgery, nameof(forgery));
        }
    }
}
