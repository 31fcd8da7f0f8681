using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>Shows a run while it lasts; disposing ends the show.</summary>
internal interface IRunView : IAsyncDisposable
{
    /// <summary>Takes an event; must not hold up the caller.</summary>
    void Show(RunEvent runEvent);
}

/// <summary>Shows nothing but what is out of the ordinary.</summary>
/// <param name="error">Where that goes.</param>
internal sealed class QuietRunView(TextWriter error) : IRunView
{
    public void Show(RunEvent runEvent)
    {
        if (PlainRunView.Notice(runEvent) is { } notice)
        {
            error.WriteLine(notice);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
