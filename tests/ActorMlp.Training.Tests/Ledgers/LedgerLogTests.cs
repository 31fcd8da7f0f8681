using System.Text;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Tests.Audits;
using ActorMlp.Training.Tests.Storage;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Ledgers;

public sealed class LedgerLogTests : IDisposable
{
    private static readonly Gen<StepLine> Step =
        from step in Gen.Long[0, long.MaxValue]
        from view in Gen.Int[1, 3]
        from epoch in Gen.Int[1, 3]
        from totals in Gen.Select(Gen.Long[0, 9], Gen.Double[-1e300, 1e300], Gen.Long[0, 3], (rows, loss, correct) => new GradientTotals(rows, loss, correct))
        from counted in Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3], Gen.Int[0, 3], (worker, level, index) => new CountedSubtree(worker, new TreeNode(level, index))).Array[1, 2]
        from duplicates in Gen.Int[0, 2]
        from redealt in Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9], Gen.Int[1, 9], Gen.Enum<RedealReason>(), (worker, first, count, reason) => new RedealtShards(worker, first, count, reason)).Array[0, 2]
        select new StepLine(epoch, new StepAccount(step, view, totals, counted, duplicates, redealt));

    private readonly TestFolder folder = new();

    private string File => folder.At("run/ledger.jsonl");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Lines_of_any_steps_are_read_back_bit_for_bit() => Step.Array[1, 20].Sample(steps =>
    {
        LedgerLine[] lines = [new MembersLine(new Dictionary<int, string> { [3] = "größe:1" }), .. steps, new RewindLine(1, 2, "\"lost\"\n"), .. steps];
        var writer = new LedgerWriter(LedgerChecksum.Start);
        var reader = new LedgerReader();
        foreach (LedgerLine line in lines)
        {
            ReadOnlyMemory<byte> bytes = writer.Write(line);
            Assert.Equal((byte)'\n', bytes.Span[^1]);
            Assert.DoesNotContain((byte)'\n', bytes.Span[..^1].ToArray());
            Assert.Equal(Describe(line), Describe(reader.Read(bytes[..^1])));
        }
    });

    [Fact]
    public void Step_like_the_one_above_takes_few_bytes()
    {
        using var run = new AuditedRun();
        Assert.Equal("""{"s":1,"l":1.75,"k":1,"x":""" + '"', System.IO.File.ReadAllLines(run.Directory.Ledger)[3][..^10]);
    }

    [Fact]
    public void Neighbours_of_one_worker_are_told_of_as_one()
    {
        CountedSubtree[] counted = [.. Enumerable.Range(0, 6).Select(shard => new CountedSubtree(7, new TreeNode(0, shard))), new(1, new TreeNode(0, 6)), new(1, new TreeNode(0, 7))];

        Assert.Equal([new(7, new TreeNode(2, 0)), new(7, new TreeNode(1, 2)), new(1, new TreeNode(1, 3))], CountedSubtree.Merge(counted));
    }

    [Fact]
    public void Rewind_takes_steps_out_and_keeps_what_else_was_told()
    {
        using (LedgerLog log = LedgerLog.Open(File, 0))
        {
            Record(log, 0, 1, 2);
            log.Record(new MembersKnown(new Dictionary<int, string> { [0] = "a:1" }));
            Record(log, 3, 4);
            log.Record(new RunRewound(2, "a:1 is lost"));
            Record(log, 2);
        }

        Assert.Equal(["0", "1", "members", "5 to 2: a:1 is lost", "2"], Read().Select(Name));
    }

    [Fact]
    public void Members_that_stay_the_same_are_told_once()
    {
        using (LedgerLog log = LedgerLog.Open(File, 0))
        {
            log.Record(new MembersKnown(new Dictionary<int, string> { [0] = "a:1", [1] = "b:1" }));
            log.Record(new MembersKnown(new Dictionary<int, string> { [1] = "b:1", [0] = "a:1" }));
            log.Record(new MembersKnown(new Dictionary<int, string> { [0] = "a:1" }));
        }

        Assert.Equal(2, Read().Count);
    }

    [Fact]
    public void Workers_in_reserve_are_no_part_of_a_view()
    {
        using (LedgerLog log = LedgerLog.Open(File, 0))
        {
            log.Record(new ViewStands(new View(3, ShardDealer.Deal(2, [new(0, 0), new(4, 1), new(5, 0)]))));

            // Nobody is left: no step ends in this one.
            log.Record(new ViewStands(new View(4, [])));
        }

        ViewLine view = Assert.IsType<ViewLine>(Assert.Single(Read()));
        Assert.Equal([new(0, 0, 1), new(4, 1, 1)], view.Shares);
    }

    [Fact]
    public void Open_at_a_step_drops_later_steps_and_goes_on()
    {
        Write(0, 1, 2, 3);
        using (LedgerLog log = LedgerLog.Open(File, 2))
        {
            Record(log, 2, 3, 4);
        }

        Assert.Equal(["0", "1", "2", "3", "4"], Read().Select(Name));
    }

    [Fact]
    public void Open_last_line_cut_short_at_any_byte_keeps_the_whole_ones()
    {
        Write(0, 1);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        int firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (int length = firstLine; length < whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            using (LedgerLog log = LedgerLog.Open(File, 1))
            {
                Assert.Equal(firstLine, new FileInfo(File).Length);
                Record(log, 1);
            }

            Assert.Equal(["0", "1"], Read().Select(Name));
        }
    }

    [Fact]
    public void Open_at_step_0_starts_anew()
    {
        Write(0, 1);

        LedgerLog.Open(File, 0).Dispose();

        Assert.Empty(System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Long_lines_are_read_whole()
    {
        using (LedgerLog log = LedgerLog.Open(File, 0))
        {
            log.Record(new RunRewound(0, new string('x', 200_000)));
            Record(log, 0);
        }

        LedgerLog.Open(File, 1).Dispose();
        Assert.Equal(200_000, Assert.IsType<RewindLine>(Read()[0]).Reason.Length);
        Assert.Equal("0", Name(Read()[1]));
    }

    [Fact]
    public void Each_line_can_be_read_as_soon_as_it_is_recorded()
    {
        using LedgerLog log = LedgerLog.Open(File, 0);
        for (int step = 0; step < 3; step++)
        {
            Record(log, step);
            using var copy = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Assert.Equal(step + 1, LedgerFile.WholeLines(copy).Count());
        }
    }

    [Fact]
    public void Open_below_a_file_is_a_storage_problem()
    {
        folder.Write("run", "");

        Assert.Throws<StorageException>(() => LedgerLog.Open(File, 0));
    }

    [Theory]
    [InlineData("{}", "is no whole line")]
    [InlineData("""{"q":1,""", "begins with 'q'")]
    [InlineData("""{"s":0,"l":1,""", "lacks 'n'")]
    [InlineData("""{"s":0,"v":1,"e":1,"n":1,"l":1,"k":0,"c":[[0,1,2]],""", "has 2 shards from shard 1, which are no subtree")]
    [InlineData("""{"s":0,"v":1,"e":1,"n":1,"l":1,"k":0,"c":[[0,0,1]],"r":[[0,0,1,"so"]],""", "gives 'so' as a reason")]
    [InlineData("""{"s":"x","v":1,"e":1,"n":1,"l":1,"k":0,"c":[],""", "is no line of a ledger")]
    [InlineData("""{"rewind":1,""", "is no line of a ledger")]
    public void Line_of_another_make_is_refused(string text, string problem)
    {
        byte[] line = Encoding.UTF8.GetBytes(text);
        if (text[^1] == ',')
        {
            line = line[..^1];
            line = [.. line, .. Encoding.UTF8.GetBytes(LedgerChecksum.Text(LedgerChecksum.Of(LedgerChecksum.Start, line)))];
        }

        Assert.StartsWith(problem, Assert.Throws<LedgerFormatException>(() => new LedgerReader().Read(line)).Message);
    }

    private static void Record(LedgerLog log, params int[] steps)
    {
        foreach (int step in steps)
        {
            log.Record(new StepCommittedEvent(new StepMetrics { Step = step + 1, Epoch = 1, Loss = 0.5, LearningRate = 0.01 })
            {
                Account = new StepAccount(step, 1, new GradientTotals(4, 0.1 * step, 1), [new(0, new TreeNode(1, 0))], 0, []),
            });
        }
    }

    private void Write(params int[] steps)
    {
        using LedgerLog log = LedgerLog.Open(File, 0);
        Record(log, steps);
    }

    private List<LedgerLine> Read()
    {
        var reader = new LedgerReader();
        return [.. System.IO.File.ReadLines(File).Select(line => reader.Read(Encoding.UTF8.GetBytes(line)))];
    }

    private static string Name(LedgerLine line) => line switch
    {
        StepLine step => $"{step.Account.Step}",
        MembersLine => "members",
        RewindLine rewind => $"{rewind.From} to {rewind.Step}: {rewind.Reason}",
        _ => line.ToString(),
    };

    private static string Describe(LedgerLine line) => line switch
    {
        StepLine { Account: var account } step =>
            $"{step.Epoch} {account.Step} {account.View} {account.Totals.Rows} {BitConverter.DoubleToInt64Bits(account.Totals.LossSum)} {account.Totals.Correct} {string.Join(' ', account.Counted)} {account.DuplicatesDropped} {string.Join(' ', account.Redealt)}",
        MembersLine members => string.Join(' ', members.Nodes),
        _ => line.ToString(),
    };
}
