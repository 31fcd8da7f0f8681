using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Actors;

/// <summary>How the actors of a run reach the world outside: events while it lasts, one end.</summary>
/// <param name="progress">Who watches.</param>
internal sealed class RunObserver(IProgress<RunEvent> progress)
{
    private readonly TaskCompletionSource<RunConclusion> end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The end of the run; faults with <see cref="RunFailedException"/>.</summary>
    public Task<RunConclusion> End => end.Task;

    public void Report(RunEvent runEvent) => progress.Report(runEvent);

    public void Conclude(RunConclusion conclusion) => end.TrySetResult(conclusion);

    public void Fail(string reason) => end.TrySetException(new RunFailedException(reason));
}

/// <summary>The run could not be finished; the message is for the user.</summary>
/// <param name="message">Why.</param>
public sealed class RunFailedException(string message) : Exception(message);
