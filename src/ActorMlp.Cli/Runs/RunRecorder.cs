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
    private long lastStep;
    private long lastEpoch;

    public void Report(RunEvent value)
    {
        ledger?.Record(value);
        switch (value)
        {
            // A coordinator that took the run over tells again what its predecessor may not have told.
            case EpochCompleted epoch when epoch.Metrics.Step > lastEpoch:
                lastEpoch = epoch.Metrics.Step;
                metrics.Append(epoch.Metrics);
                break;
            case RunRewound rewound:
                (lastStep, lastEpoch) = (Math.Min(lastStep, rewound.Step), Math.Min(lastEpoch, rewound.Step));
                metrics.Rewind(rewound.Step);
                break;
            case StepCommittedEvent step when steps && step.Metrics.Step > lastStep:
                lastStep = step.Metrics.Step;
                metrics.Append(step.Metrics);
                break;
        }

        view.Show(value);
    }
}
