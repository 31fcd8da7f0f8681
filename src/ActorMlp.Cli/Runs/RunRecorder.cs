using ActorMlp.Cli.Views;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Runs;

/// <summary>Takes a run's events to metrics.jsonl first and then to the view, on the thread they come on: an epoch is on disk before its checkpoint is.</summary>
/// <param name="metrics">The file.</param>
/// <param name="steps">Whether steps are recorded too.</param>
/// <param name="view">Who shows the run.</param>
internal sealed class RunRecorder(MetricsLog metrics, bool steps, IRunView view) : IProgress<RunEvent>
{
    public void Report(RunEvent value)
    {
        switch (value)
        {
            case EpochCompleted epoch:
                metrics.Append(epoch.Metrics);
                break;
            case RunRewound rewound:
                metrics.Rewind(rewound.Step);
                break;
            case StepCommittedEvent step when steps:
                metrics.Append(step.Metrics);
                break;
        }

        view.Show(value);
    }
}
