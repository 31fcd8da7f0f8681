using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// Stale synchronous and asynchronous training: each share has a clock of its own, and its gradient is applied as it comes, one optimizer step each. A share may begin a
/// step if it is at most <c>staleness</c> steps ahead of the slowest share (Ho et al. 2013); it is computed with all updates that came before it.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="plan">The shares.</param>
/// <param name="staleness">Steps that a share may be ahead of the slowest; <see cref="long.MaxValue"/> for no bound.</param>
/// <param name="step">Steps committed so far.</param>
/// <param name="updates">Updates applied so far.</param>
public sealed class AsynchronousServerMachine(RunShape shape, SharePlan plan, long staleness, long step, long updates)
    : ShareServerMachine(shape, plan, step, updates)
{
    /// <summary>Steps that a share has taken in, of the share that is furthest behind.</summary>
    public long Slowest => Shares.Min(share => share.Clock);

    /// <inheritdoc/>
    protected override long EarliestHold() => Math.Max(Committed + 1, Shares.Max(share => share.Busy is null ? share.Clock : share.Clock + 1));

    private protected override bool IsWanted(ShareAccount share, ShareWork work) => true;

    private protected override void Take(ShareAccount share, ShareWork work, List<ParameterServerEffect> effects)
    {
        UpdatePart part = Account(work.Clock).Parts.First(part => part.Share == share.Number);
        effects.Add(new ApplyShares(NextUpdate(work.Clock, work.Version, [part])));
        share.Clock++;
    }

    private protected override void Grant(List<ParameterServerEffect> effects)
    {
        // A share without rows in a step is done with it at once, which may let the others go on: until nothing changes.
        bool changed;
        do
        {
            changed = false;
            long slowest = Slowest;
            foreach (ShareAccount share in Shares.Where(share => share.Busy is null && share.Clock < Limit && share.Clock - slowest <= staleness))
            {
                if (Plan.RowsOf(share.Clock, share.Number) > 0)
                {
                    Grant(share, share.Clock, steps: 1, effects);
                }
                else
                {
                    share.Clock++;
                    changed = true;
                }
            }
        }
        while (changed);
    }

    private protected override bool IsDone(long clock) => Slowest > clock && IsApplied(clock);
}
