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
    public void PlainRunView_tells_of_each_change_once()
    {
        using var output = new StringWriter();
        var view = new PlainRunView(output);
        foreach (WorkerStatus status in (WorkerStatus[])[WorkerStatus.Active, WorkerStatus.Left, WorkerStatus.Left, WorkerStatus.Lost, WorkerStatus.Active])
        {
            view.Show(new WorkerChanged(1, status, 4, 0, 0, 9, 1));
        }

        Assert.Equal("worker 1 has left; view 4\nworker 1 is lost; view 4\nworker 1 is back; view 4\n", output.ToString());
    }

    [Theory]
    [MemberData(nameof(Notices))]
    public async Task Every_view_tells_what_is_out_of_the_ordinary(RunEvent runEvent, string text)
    {
        using var output = new StringWriter();
        new PlainRunView(output).Show(runEvent);
        Assert.Equal(text + "\n", output.ToString());
        using var error = new StringWriter();
        new QuietRunView(error).Show(runEvent);
        Assert.Equal(text + "\n", error.ToString());
        using var screen = new TestConsole();
        screen.Profile.Width = 120;
        await using var view = new LiveRunView(screen, TimeProvider.System);
        view.Show(runEvent);
        screen.Write(view.Render());
        Assert.Contains(text, screen.Output, StringComparison.Ordinal);
    }

    public static TheoryData<RunEvent, string> Notices { get; } = new()
    {
        { new NodeWasRefused("a:1", ["other data", "no disk"]), "node a:1 cannot take part: other data; no disk" },
        { new RunRewound(40, "b:2 is lost"), "b:2 is lost: the run goes on from step 40, with the same result" },
        { new RunWaiting(1, 3, 0), "waiting for nodes: 1 of 3 workers, 0 of 1 parameter server" },
    };

    [Fact]
    public async Task LiveRunView_forgets_epochs_that_are_trained_again()
    {
        using var terminal = new TestConsole();
        await using var view = new LiveRunView(terminal, TimeProvider.System);
        view.Show(Started);
        view.Show(new EpochCompleted(Epoch(1, best: false)));
        view.Show(new EpochCompleted(Epoch(2, best: true)));
        view.Show(new RunRewound(10, "a node is lost"));
        using var screen = new TestConsole();
        screen.Write(view.Render());
        Assert.DoesNotContain("best", screen.Output, StringComparison.Ordinal);
        Assert.Contains("a node is lost", screen.Output, StringComparison.Ordinal);
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
