using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// Synchronous training with backup workers (Chen et al. 2016): a step is applied as soon as all but the slowest <c>backups</c> shares are there, with the mean over the rows that
/// came; what comes later is dropped, and its worker goes on with the step that is open then.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="plan">The shares.</param>
/// <param name="backups">Shares that a step does not wait for; less than there are.</param>
/// <param name="step">Steps committed so far.</param>
public sealed class BackupServerMachine(RunShape shape, SharePlan plan, int backups, long step)
    : ShareServerMachine(shape, plan, step, step)
{
    private long open = step;

    /// <inheritdoc/>
    protected override long EarliestHold() => Math.Max(Committed, open) + 1;

    private protected override bool IsWanted(ShareAccount share, ShareWork work) => work.Clock == open && open < Limit;

    private protected override void Take(ShareAccount share, ShareWork work, List<ParameterServerEffect> effects)
    {
        StepAccount account = Account(open);
        if (account.Count >= Math.Max(1, Plan.SharesWithRows(open).Count() - backups))
        {
            effects.Add(new ApplyShares(NextUpdate(open, work.Version, [.. account.Parts])));
            open++;
        }
    }

    private protected override void Grant(List<ParameterServerEffect> effects)
    {
        if (open >= Limit)
        {
            return;
        }

        StepAccount account = Account(open);
        foreach (ShareAccount share in Shares.Where(share => share.Busy is null && !account.Has(share.Number) && Plan.RowsOf(open, share.Number) > 0))
        {
            Grant(share, open, steps: 1, effects);
        }
    }

    private protected override bool IsDone(long clock) => clock < open && IsApplied(clock);
}
