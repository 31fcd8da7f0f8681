using System.Text.Json;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Tests.Storage;

public sealed class SummaryFileTests : IDisposable
{
    private readonly TestFolder folder = new();

    private string File => folder.At("summary.json");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("runId", "\"tiny-20260101-120000\"")]
    [InlineData("status", "\"completed\"")]
    [InlineData("weightsSha256", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"")]
    [InlineData("lastWeightsSha256", "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"")]
    [InlineData("steps", "8")]
    [InlineData("epochs", "4")]
    [InlineData("modelEpoch", "3")]
    [InlineData("parameters", "188")]
    [InlineData("workers", "4")]
    [InlineData("threads", "2")]
    [InlineData("kernel", "\"scalar\"")]
    [InlineData("samplesPerSecond", "1234.5")]
    [InlineData("wallSeconds", "0.1")]
    [InlineData("train.loss", "0.25")]
    [InlineData("train.accuracy", "0.5")]
    [InlineData("validation.loss", "0.3333333333333333")]
    [InlineData("validation.accuracy", "0.75")]
    [InlineData("test.loss", "0.125")]
    [InlineData("test.accuracy", "0.875")]
    [InlineData("ledger.shardsCommitted", "16")]
    [InlineData("ledger.shardsReissued", "3")]
    [InlineData("ledger.duplicatesDropped", "2")]
    public void Write_each_figure_is_under_its_name(string key, string value)
    {
        SummaryFile.Write(File, TinyRun.Summary);

        foreach (string text in new[] { System.IO.File.ReadAllText(File), SummaryFile.ToLine(TinyRun.Summary) })
        {
            using JsonDocument summary = JsonDocument.Parse(text);
            Assert.Equal(value, key.Split('.').Aggregate(summary.RootElement, (element, name) => element.GetProperty(name)).GetRawText());
        }
    }

    [Fact]
    public void Read_what_was_written_is_the_same()
    {
        SummaryFile.Write(File, TinyRun.Summary);
        Assert.Equal(TinyRun.Summary, SummaryFile.Read(File));

        RunSummary stopped = TinyRun.Summary with { Status = RunStatus.Stopped, Train = null, Validation = null, Test = null };
        SummaryFile.Write(File, stopped);
        Assert.Equal(stopped, SummaryFile.Read(File));
    }

    [Fact]
    public void ToLine_is_one_line() => Assert.DoesNotContain('\n', SummaryFile.ToLine(TinyRun.Summary));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"runId\":")]
    public void Read_what_is_no_summary_is_refused(string text)
    {
        folder.Write("summary.json", text);

        Assert.Contains(File, Assert.Throws<StorageException>(() => SummaryFile.Read(File)).Message);
    }

    [Fact]
    public void Read_file_that_is_missing_names_it()
    {
        Assert.Equal(File, Assert.Throws<StorageException>(() => SummaryFile.Read(File)).Path);
    }
}
