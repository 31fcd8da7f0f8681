using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>Shows a run while it lasts; disposing ends the show.</summary>
internal interface IRunView : IAsyncDisposable
{
    /// <summary>Takes an event; must not hold up the caller.</summary>
    void Show(RunEvent runEvent);
}

/// <summary>Shows nothing.</summary>
internal sealed class QuietRunView : IRunView
{
    public void Show(RunEvent runEvent)
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
