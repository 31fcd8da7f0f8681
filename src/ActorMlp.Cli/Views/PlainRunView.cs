using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>One line per epoch, for logs and pipes.</summary>
/// <param name="output">Where lines go.</param>
internal sealed class PlainRunView(TextWriter output) : IRunView
{
    private readonly Dictionary<int, WorkerStatus> statuses = [];
    private int epochs;

    public void Show(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case RunStarted started:
                epochs = started.Epochs;
                output.WriteLine(Heading(started));
                break;
            case EpochCompleted completed:
                output.WriteLine(EpochLine(completed.Metrics, epochs));
                break;
            case WorkerChanged worker:
                Show(worker);
                break;
            default:
                if (Notice(runEvent) is { } notice)
                {
                    output.WriteLine(notice);
                }

                break;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>What is out of the ordinary, in a line; null for all else.</summary>
    public static string? Notice(RunEvent runEvent) => runEvent switch
    {
        NodeWasRefused refused => $"node {refused.Node} cannot take part: {string.Join("; ", refused.Reasons)}",
        RunNotice notice => notice.Text,
        CoordinatorTookOver => "the coordinator was lost: another took the run over, no step is lost",
        RunStalled stalled => $"nothing was heard for {stalled.SilenceMilliseconds / 1000:0} s: everything is said again",
        StandbyTookOver over => $"{over.Reason}: its standby goes on, no step is lost",
        RunRewound rewound => $"{rewound.Reason}: the run goes on from step {rewound.Step}, {(rewound.MayDiffer ? "perhaps with another order of updates" : "with the same result")}",
        RunWaiting waiting => $"waiting for nodes: {waiting.Workers} of {waiting.MinimumWorkers} workers, {waiting.Servers} of 1 parameter server",
        _ => null,
    };

    private void Show(WorkerChanged worker)
    {
        WorkerStatus before = statuses.GetValueOrDefault(worker.Worker);
        statuses[worker.Worker] = worker.Status;
        if (worker.Status != before)
        {
            string what = worker.Status switch
            {
                WorkerStatus.Active => "is back",
                WorkerStatus.Restarting => "failed and is restarted",
                WorkerStatus.Lost => "is lost",
                _ => "has left",
            };
            output.WriteLine($"worker {worker.Worker} {what}; view {worker.View}");
        }
    }

    public static string Heading(RunStarted started) =>
        $"{started.RunId}: {string.Join("-", started.LayerSizes)}, {Figures.Count(started.Parameters)} parameters, "
        + $"{Figures.Count(started.TrainingRows)} training rows, {started.Workers} workers, {started.Threads} threads, {started.Kernel}"
        + (started.FirstStep > 0 ? $"; resumed after step {started.FirstStep}" : "");

    public static string EpochLine(EpochMetrics metrics, int epochs)
    {
        int width = epochs.ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
        string epoch = metrics.Epoch.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(width);
        string quality = metrics.Train.Accuracy is null ? "RMSE" : "accuracy";
        string line = $"epoch {epoch}/{epochs}  loss {Figures.Loss(metrics.Train.Loss)}  {quality} {Figures.Quality(metrics.Train)}";
        if (metrics.Validation is { } validation)
        {
            line += $"  validation loss {Figures.Loss(validation.Loss)}  {quality} {Figures.Quality(validation)}{(metrics.Best ? " *" : "  ")}";
        }

        return line + $"  rate {Figures.Number(metrics.LearningRate)}  {Figures.Count(metrics.SamplesPerSecond)} samples/s  {Figures.Seconds(metrics.WallSeconds)}";
    }
}
