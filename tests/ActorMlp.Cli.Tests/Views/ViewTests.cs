using ActorMlp.Cli.Plots;
using ActorMlp.Cli.Views;
using ActorMlp.Training.Runs;
using Spectre.Console.Testing;

namespace ActorMlp.Cli.Tests.Views;

public sealed class ViewTests
{
    private static readonly RunStarted Started = new()
    {
        RunId = "digits-1",
        Parameters = 12345,
        LayerSizes = [64, 100, 10],
        TrainingRows = 1258,
        ValidationRows = 180,
        TestRows = 359,
        Epochs = 20,
        StepsPerEpoch = 10,
        FirstStep = 0,
        Workers = 2,
        Threads = 2,
        Kernel = "vector256",
    };

    [Fact]
    public void PlainRunView_prints_a_heading_and_one_line_per_epoch()
    {
        using var output = new StringWriter();
        var view = new PlainRunView(output);
        view.Show(Started);
        view.Show(Step(7));
        view.Show(new EpochCompleted(Epoch(3, best: true)));
        view.Show(new WorkerChanged(1, WorkerStatus.Restarting, 4, 0, 0, 9, 1));
        Assert.Equal(
            """
            digits-1: 64-100-10, 12,345 parameters, 1,258 training rows, 2 workers, 2 threads, vector256
            epoch  3/20  loss 0.2500  accuracy 95.00 %  validation loss 0.3000  accuracy 94.00 % *  rate 0.001  12,346 samples/s  0.5 s
            worker 1 failed and is restarted; view 4

            """,
            output.ToString());
    }

    [Fact]
    public async Task LiveRunView_shows_progress_epochs_and_workers_in_80_by_24()
    {
        using var terminal = new TestConsole();
        terminal.Profile.Width = 80;
        await using var view = new LiveRunView(terminal, TimeProvider.System);
        view.Show(Started);
        foreach (int worker in Enumerable.Range(0, 4))
        {
            view.Show(new WorkerChanged(worker, worker == 2 ? WorkerStatus.Restarting : WorkerStatus.Active, 1, 2 * worker, 2, 40, 0));
        }

        foreach (int epoch in Enumerable.Range(1, 12))
        {
            view.Show(new EpochCompleted(Epoch(epoch, best: epoch == 12)));
        }

        view.Show(Step(123));
        using var screen = new TestConsole();
        screen.Profile.Width = 80;
        screen.Write(view.Render());
        Assert.Contains("epoch 13/20", screen.Output, StringComparison.Ordinal);
        Assert.Contains("step 3/10", screen.Output, StringComparison.Ordinal);
        Assert.Contains("restarting", screen.Output, StringComparison.Ordinal);
        Assert.Contains("best", screen.Output, StringComparison.Ordinal);
        Assert.Contains("6–7", screen.Output, StringComparison.Ordinal);
        Assert.InRange(screen.Lines.Count, 10, 24);
        Assert.All(screen.Lines, line => Assert.InRange(line.Length, 0, 80));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    public void TrainingPlot_writes_a_png(int epochs)
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("training.png");
        TrainingPlot.Write(path, [.. Enumerable.Range(1, epochs).Select(epoch => Epoch(epoch, best: true))], "test");
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(path)[..4]);
    }

    private static StepCommittedEvent Step(long step) =>
        new(new StepMetrics { Step = step, Epoch = 1, Loss = 0.5, LearningRate = 0.001 });

    private static EpochMetrics Epoch(int epoch, bool best) => new()
    {
        Epoch = epoch,
        Step = 10 * epoch,
        Train = new SplitMetrics { Loss = 0.25, Accuracy = 0.95 },
        Validation = new SplitMetrics { Loss = 0.3, Accuracy = 0.94 },
        LearningRate = 0.001,
        Best = best,
        SamplesPerSecond = 12345.6,
        WallSeconds = 0.5,
    };
}
