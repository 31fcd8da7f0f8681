using System.Text.Json;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Tests.Storage;

public sealed class MetricsLogTests : IDisposable
{
    private readonly TestFolder folder = new();

    private string File => folder.At("run/metrics.jsonl");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Append_epochs_are_read_back_bit_for_bit()
    {
        Write(Epoch(1), Epoch(2));

        Assert.Equal([Epoch(1), Epoch(2)], MetricsLog.ReadEpochs(File));
    }

    [Fact]
    public void Append_writes_a_line_of_json_each_with_its_kind_first()
    {
        using (MetricsLog log = MetricsLog.Open(File, 0))
        {
            log.Append(new StepMetrics { Step = 1, Epoch = 1, Loss = 0.5, LearningRate = 0.01 });
            log.Append(Epoch(1));
        }

        string text = System.IO.File.ReadAllText(File);
        string[] lines = text.Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("", lines[2]);
        Assert.StartsWith("{\"kind\":\"step\",\"step\":1,", lines[0]);
        Assert.StartsWith("{\"kind\":\"epoch\",\"epoch\":1,\"step\":10,", lines[1]);
        Assert.Equal(0.1, JsonDocument.Parse(lines[1]).RootElement.GetProperty("train").GetProperty("loss").GetDouble());
    }

    [Fact]
    public void Append_epoch_can_be_read_while_the_log_is_open()
    {
        using MetricsLog log = MetricsLog.Open(File, 0);
        log.Append(Epoch(1));

        Assert.Equal([Epoch(1)], ReadShared());
    }

    [Fact]
    public void Rewind_drops_what_will_be_written_again_and_goes_on_after_the_rest()
    {
        using MetricsLog log = MetricsLog.Open(File, 0);
        log.Append(Epoch(1));
        log.Append(Epoch(2));
        log.Append(new StepMetrics { Step = 21, Epoch = 3, Loss = 0.5, LearningRate = 0.01 });
        log.Rewind(10);
        Assert.Equal([Epoch(1)], ReadShared());

        log.Append(Epoch(2));
        Assert.Equal([Epoch(1), Epoch(2)], ReadShared());
    }

    [Fact]
    public void ReadEpochs_leaves_steps_and_a_line_cut_short_out()
    {
        using (MetricsLog log = MetricsLog.Open(File, 0))
        {
            log.Append(new StepMetrics { Step = 1, Epoch = 1, Loss = 0.5, LearningRate = 0.01 });
            log.Append(Epoch(1));
            log.Append(Epoch(2));
        }

        CutShort();

        Assert.Equal([Epoch(1)], MetricsLog.ReadEpochs(File));
    }

    [Fact]
    public void Open_at_a_step_drops_later_lines_and_goes_on()
    {
        Write(Epoch(1), Epoch(2), Epoch(3));

        using (MetricsLog log = MetricsLog.Open(File, 20))
        {
            log.Append(Epoch(4));
        }

        Assert.Equal([Epoch(1), Epoch(2), Epoch(4)], MetricsLog.ReadEpochs(File));
    }

    [Fact]
    public void Open_at_a_step_drops_a_last_line_cut_short()
    {
        Write(Epoch(1), Epoch(2));
        CutShort();

        using (MetricsLog log = MetricsLog.Open(File, 1000))
        {
            log.Append(Epoch(3));
        }

        Assert.Equal([Epoch(1), Epoch(3)], MetricsLog.ReadEpochs(File));
        Assert.All(System.IO.File.ReadLines(File), line => JsonDocument.Parse(line).Dispose());
    }

    [Fact]
    public void Open_last_line_cut_short_at_any_byte_keeps_the_whole_ones()
    {
        Write(Epoch(1), Epoch(2));
        byte[] whole = System.IO.File.ReadAllBytes(File);
        int firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (int length = firstLine; length < whole.Length - 1; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            MetricsLog.Open(File, 1000).Dispose();

            Assert.Equal(whole[..firstLine], System.IO.File.ReadAllBytes(File));
        }
    }

    [Fact]
    public void Open_at_step_0_starts_anew()
    {
        Write(Epoch(1));

        MetricsLog.Open(File, 0).Dispose();

        Assert.Empty(System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Open_at_a_step_without_a_file_starts_anew()
    {
        MetricsLog.Open(File, 10).Dispose();

        Assert.Empty(MetricsLog.ReadEpochs(File));
    }

    [Fact]
    public void Open_below_a_file_is_a_storage_problem()
    {
        folder.Write("run", "");

        Assert.Throws<StorageException>(() => MetricsLog.Open(File, 0));
    }

    private static EpochMetrics Epoch(int epoch) => new()
    {
        Epoch = epoch,
        Step = epoch * 10,
        Train = new SplitMetrics { Loss = 0.1, Accuracy = 1.0 / epoch },
        Validation = new SplitMetrics { Loss = Math.BitIncrement(epoch / 3.0), Accuracy = 2.0 / 3 },
        LearningRate = 1e-3 / epoch,
        Best = epoch == 2,
        SamplesPerSecond = 12345.678,
        WallSeconds = Math.PI,
    };

    private void Write(params EpochMetrics[] epochs)
    {
        using MetricsLog log = MetricsLog.Open(File, 0);
        foreach (EpochMetrics epoch in epochs)
        {
            log.Append(epoch);
        }
    }

    private void CutShort()
    {
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        System.IO.File.WriteAllBytes(File, bytes[..^20]);
    }

    /// <summary>Reads a copy: another reader may not share the file with its writer everywhere.</summary>
    private IReadOnlyList<EpochMetrics> ReadShared()
    {
        using (var source = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        using (FileStream copy = System.IO.File.Create(folder.At("copy")))
        {
            source.CopyTo(copy);
        }

        return MetricsLog.ReadEpochs(folder.At("copy"));
    }
}
