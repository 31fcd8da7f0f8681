using ActorMlp.Cli.Views;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Runs;

/// <summary>
/// Takes a run's events to ledger.jsonl and metrics.jsonl first and then to the view, on the thread they come on: steps and epochs are on disk before the
/// checkpoint that has them.
/// </summary>
/// <param name="ledger">The ledger; null where none is kept.</param>
/// <param name="metrics">The metrics.</param>
/// <param name="steps">Whether steps are recorded too.</param>
/// <param name="view">Who shows the run.</param>
internal sealed class RunRecorder(LedgerLog? ledger, MetricsLog metrics, bool steps, IRunView view) : IProgress<RunEvent>
{
    public void Report(RunEvent value)
    {
        ledger?.Record(value);
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
