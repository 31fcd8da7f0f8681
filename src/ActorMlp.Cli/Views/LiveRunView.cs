using ActorMlp.Training.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ActorMlp.Cli.Views;

/// <summary>The run on a terminal: progress, figures and workers, drawn anew ten times a second at most, in 80 × 24.</summary>
internal sealed class LiveRunView : IRunView
{
    private const int EpochsShown = 6;
    private const int NoticesShown = 2;
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly SortedDictionary<int, WorkerChanged> workers = [];
    private readonly List<EpochMetrics> epochs = [];
    private readonly List<string> notices = [];
    private readonly CancellationTokenSource ended = new();
    private readonly Task drawing;
    private RunStarted? started;
    private StepMetrics? step;
    private long beganAt;

    public LiveRunView(IAnsiConsole terminal, TimeProvider time)
    {
        this.time = time;
        drawing = DrawAsync(terminal);
    }

    public void Show(RunEvent runEvent)
    {
        lock (gate)
        {
            switch (runEvent)
            {
                case RunStarted run:
                    started = run;
                    beganAt = time.GetTimestamp();
                    break;
                case StepCommittedEvent committed:
                    step = committed.Metrics;
                    break;
                case EpochCompleted completed:
                    epochs.Add(completed.Metrics);
                    break;
                case WorkerChanged worker:
                    workers[worker.Worker] = worker;
                    break;
                case RunRewound rewound:
                    epochs.RemoveAll(epoch => epoch.Step > rewound.Step);
                    notices.Add(PlainRunView.Notice(rewound)!);
                    break;
                default:
                    notices.AddRange(PlainRunView.Notice(runEvent) is { } notice ? [notice] : Array.Empty<string>());
                    break;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync().ConfigureAwait(false);
        await drawing.ConfigureAwait(false);
        ended.Dispose();
    }

    /// <summary>The picture as it stands.</summary>
    public IRenderable Render()
    {
        lock (gate)
        {
            if (started is null)
            {
                return notices.Count == 0 ? new Text("starting …") : new Rows([new Text("starting …"), .. Notices()]);
            }

            return new Rows(
                new Markup($"[bold]{Markup.Escape(started.RunId)}[/]  {string.Join("-", started.LayerSizes)}, {Figures.Count(started.Parameters)} parameters"),
                new Markup($"[grey]{Figures.Count(started.TrainingRows)} training, {Figures.Count(started.ValidationRows)} validation, {Figures.Count(started.TestRows)} test rows; {started.Threads} threads, {started.Kernel}[/]"),
                Progress(started),
                EpochTable(),
                WorkerTable(),
                new Rows(Notices()));
        }
    }

    private async Task DrawAsync(IAnsiConsole terminal)
    {
        await terminal.Live(Render()).StartAsync(async live =>
        {
            using var timer = new PeriodicTimer(Refresh, time);
            try
            {
                while (await timer.WaitForNextTickAsync(ended.Token).ConfigureAwait(false))
                {
                    live.UpdateTarget(Render());
                }
            }
            catch (OperationCanceledException)
            {
                live.UpdateTarget(Render());
            }
        }).ConfigureAwait(false);
    }

    private Grid Progress(RunStarted run)
    {
        long done = step?.Step ?? run.FirstStep, total = (long)run.Epochs * run.StepsPerEpoch;
        long inEpoch = done == total ? run.StepsPerEpoch : done % run.StepsPerEpoch;
        long here = done - run.FirstStep;
        double elapsed = time.GetElapsedTime(beganAt).TotalSeconds;
        string left = here > 0 ? Figures.Seconds(elapsed / here * (total - done)) + " left" : "";
        var grid = new Grid().AddColumn().AddColumn().AddColumn();
        grid.AddRow(new Text("run"), Bar(done, total), new Text($"epoch {Math.Min(run.Epochs, done / run.StepsPerEpoch + 1)}/{run.Epochs}  {left}"));
        grid.AddRow(new Text("epoch"), Bar(inEpoch, run.StepsPerEpoch), new Text(
            $"step {inEpoch}/{run.StepsPerEpoch}" + (step is null ? "" : $"  loss {Figures.Loss(step.Loss)}")));
        return grid;
    }

    private static Markup Bar(long done, long total)
    {
        const int Width = 30;
        int filled = (int)(done * Width / Math.Max(1, total));
        return new Markup($"[green]{new string('━', filled)}[/][grey]{new string('─', Width - filled)}[/]");
    }

    private Table EpochTable()
    {
        bool regression = epochs.Count > 0 && epochs[0].Train.Accuracy is null;
        string quality = regression ? "RMSE" : "accuracy";
        Table table = new Table().Border(TableBorder.Simple)
            .AddColumn(Right("epoch")).AddColumn(Right("loss")).AddColumn(Right(quality))
            .AddColumn(Right("val. loss")).AddColumn(Right("val. " + (regression ? quality : "acc."))).AddColumn("")
            .AddColumn(Right("rate")).AddColumn(Right("samples/s"));
        foreach (EpochMetrics epoch in epochs.TakeLast(EpochsShown))
        {
            table.AddRow(
                Figures.Count(epoch.Epoch),
                Figures.Loss(epoch.Train.Loss),
                Figures.Quality(epoch.Train),
                epoch.Validation is { } validation ? Figures.Loss(validation.Loss) : "",
                epoch.Validation is { } figures ? Figures.Quality(figures) : "",
                epoch.Best ? "[green]best[/]" : "",
                Figures.Number(epoch.LearningRate),
                Figures.Count(epoch.SamplesPerSecond));
        }

        return table;
    }

    private Table WorkerTable()
    {
        Table table = new Table().Border(TableBorder.Simple)
            .AddColumn(Right("worker")).AddColumn("status").AddColumn("shards").AddColumn(Right("computed")).AddColumn(Right("failures"));
        foreach (WorkerChanged worker in workers.Values.Take(8))
        {
            string shards = worker.Shards == 0 ? "reserve" : $"{worker.FirstShard}–{worker.FirstShard + worker.Shards - 1}";
            string colour = worker.Status switch { WorkerStatus.Active => "green", WorkerStatus.Lost => "red", _ => "yellow" };
            table.AddRow(
                Figures.Count(worker.Worker),
                $"[{colour}]{worker.Status.ToString().ToLowerInvariant()}[/]",
                shards,
                Figures.Count(worker.ShardsComputed),
                Figures.Count(worker.Failures));
        }

        return workers.Count > 8 ? table.Caption($"and {workers.Count - 8} more workers") : table;
    }

    private IEnumerable<IRenderable> Notices() =>
        notices.TakeLast(NoticesShown).Select(notice => new Text(notice, new Style(Color.Yellow)) { Overflow = Overflow.Ellipsis });

    private static TableColumn Right(string title) => new TableColumn(title).RightAligned().NoWrap();
}
