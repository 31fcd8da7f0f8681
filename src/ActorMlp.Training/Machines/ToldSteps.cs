using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <summary>
/// What whoever keeps a run was told of its steps, in counts: those of its ledger, after each step since the newest checkpoint. A coordinator that took the run over heard of some steps from other
/// servers than its predecessor, with other counts of what was dropped or dealt again; so checkpoints and the run's end get the counts of the ledger.
/// </summary>
/// <param name="shards">Shards of each step; what is made of workers' shares has no ledger.</param>
/// <param name="start">Where the run began, or was resumed.</param>
internal sealed class ToldSteps(int shards, RunProgress start)
{
    private readonly SortedDictionary<long, LedgerSummary> counts = new() { [start.Step] = start.Ledger };
    private long steps = start.Step;

    /// <summary>A step is told of; it counts if it is for the first time.</summary>
    public void Enter(StepCommittedEvent told)
    {
        if (told.Account is { } account && account.Step == steps)
        {
            counts[steps + 1] = counts[steps].With(account, shards);
            steps++;
        }
    }

    /// <summary>The run goes back to its newest checkpoint: the steps behind that will be told of again.</summary>
    /// <param name="step">Steps committed in it.</param>
    public void GoBackTo(long step)
    {
        foreach (long later in counts.Keys.Where(key => key > step).ToList())
        {
            counts.Remove(later);
        }

        steps = Math.Min(steps, step);
    }

    /// <summary>A newer checkpoint is kept: the run goes back no further.</summary>
    /// <param name="step">Steps committed in it.</param>
    public void ForgetBefore(long step)
    {
        foreach (long older in counts.Keys.TakeWhile(key => key < Math.Min(step, steps)).ToList())
        {
            counts.Remove(older);
        }
    }

    /// <summary>The progress with the ledger's counts; as it is where no ledger is kept.</summary>
    public RunProgress Counted(RunProgress progress) =>
        counts.TryGetValue(progress.Step, out LedgerSummary? ledger) ? progress with { Ledger = ledger } : progress;
}
