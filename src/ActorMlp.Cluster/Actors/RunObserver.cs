using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Actors;

/// <summary>How the actors of a run reach the world outside: events while it lasts, one end.</summary>
/// <param name="progress">Who watches.</param>
internal sealed class RunObserver(IProgress<RunEvent> progress)
{
    private readonly TaskCompletionSource<RunConclusion> end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The end of the run; faults with <see cref="RunFailedException"/>, or with <see cref="StorageException"/> where events cannot be recorded.</summary>
    public Task<RunConclusion> End => end.Task;

    /// <summary>Tells whoever watches; where that cannot be written down, the run fails.</summary>
    public void Report(RunEvent runEvent)
    {
        try
        {
            progress.Report(runEvent);
        }
        catch (StorageException exception)
        {
            end.TrySetException(exception);
        }
    }

    public void Conclude(RunConclusion conclusion) => end.TrySetResult(conclusion);

    public void Fail(string reason) => end.TrySetException(new RunFailedException(reason));
}

/// <summary>The run could not be finished; the message is for the user.</summary>
/// <param name="message">Why.</param>
public sealed class RunFailedException(string message) : Exception(message);
