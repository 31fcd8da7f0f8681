using ActorMlp.Training.Consistency;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Runs;

/// <summary>Writes the log of updates in the background, in the order in which it is asked to; behind what failed nothing is written, and fails with the same reason. One thread asks.</summary>
/// <param name="path">The file.</param>
/// <param name="setup">The run.</param>
internal sealed class UpdateLogWriter(string path, RunSetup setup) : IDisposable
{
    private UpdateLog? log;

    /// <summary>Done when all that was asked for until now is on the disk.</summary>
    public Task Written { get; private set; } = Task.CompletedTask;

    /// <summary>Begins the log, or goes on with it behind a step.</summary>
    /// <param name="workers">Workers that the run was, or is, started with.</param>
    /// <param name="step">Steps committed before; 0 for a new run.</param>
    public Task BeginAsync(int workers, long step) => Written = WriteAsync(() =>
    {
        log?.Dispose();
        log = null;
        log = UpdateLog.Open(path, setup, workers, step);
    });

    /// <summary>Appends updates, and has them reach the disk.</summary>
    public Task AppendAsync(IReadOnlyList<UpdateRecord> updates) => Written = WriteAsync(() =>
    {
        foreach (UpdateRecord update in updates)
        {
            log!.Append(update);
        }

        log!.Flush();
    });

    /// <summary>Lets go of the file, once all that was asked for is written.</summary>
    public void Dispose() => Written = Written.ContinueWith(_ => log?.Dispose(), TaskScheduler.Default);

    private async Task WriteAsync(Action write)
    {
        await Written.ConfigureAwait(false);
        await Task.Run(write).ConfigureAwait(false);
    }
}
