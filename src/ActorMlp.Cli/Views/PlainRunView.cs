using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>One line per epoch, for logs and pipes.</summary>
/// <param name="output">Where lines go.</param>
internal sealed class PlainRunView(TextWriter output) : IRunView
{
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
            case WorkerChanged { Status: not WorkerStatus.Active } worker:
                output.WriteLine($"worker {worker.Worker} {(worker.Status == WorkerStatus.Lost ? "is lost" : "failed and is restarted")}; view {worker.View}");
                break;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

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
