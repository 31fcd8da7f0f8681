using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// Local SGD (Stich 2019), with the weighting of FedAvg (McMahan et al. 2017): each share trains a copy of the weights with optimizer state of its own; after every
/// <c>averageEvery</c> steps, and at an epoch's end, the copies' mean by rows takes the weights' place, and each share goes on from it. Copies are added in the order of shares,
/// so the result depends on nothing but the run and the number of shares. The run holds only where copies are averaged. A worker trains a share's copy through a whole round; one that is
/// lost has done nothing, and another begins the round anew.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="plan">The shares.</param>
/// <param name="averageEvery">Steps between two averages.</param>
/// <param name="step">Steps committed so far; copies are averaged there.</param>
/// <param name="updates">Averages so far.</param>
public sealed class LocalAveragingMachine(RunShape shape, SharePlan plan, int averageEvery, long step, long updates)
    : ShareServerMachine(shape, plan, step, updates)
{
    private long roundBegan = step;
    private long roundEnds = plan.AverageAtOrAfter(step + 1, averageEvery);

    /// <inheritdoc/>
    protected override long NextHold(long committed) => Plan.AverageAtOrAfter(base.NextHold(committed), averageEvery);

    /// <inheritdoc/>
    protected override long EarliestHold() => roundEnds;

    private protected override bool IsWanted(ShareAccount share, ShareWork work) => true;

    private protected override void Take(ShareAccount share, ShareWork work, List<ParameterServerEffect> effects)
    {
        share.Clock = roundEnds;
        if (Array.TrueForAll(Shares, one => one.Clock >= roundEnds))
        {
            effects.Add(Average());
        }
    }

    private protected override void Grant(List<ParameterServerEffect> effects)
    {
        if (roundEnds > Limit)
        {
            return;
        }

        foreach (ShareAccount share in Shares.Where(share => share.Busy is null && share.Clock < roundEnds))
        {
            if (RowsInRound(share.Number) > 0)
            {
                Grant(share, roundBegan, (int)(roundEnds - roundBegan), effects);
            }
            else
            {
                share.Clock = roundEnds;
            }
        }
    }

    private protected override bool IsDone(long clock) => Array.TrueForAll(Shares, share => share.Clock > clock) && IsApplied(clock);

    private long RowsInRound(int share)
    {
        long rows = 0;
        for (long clock = roundBegan; clock < roundEnds; clock++)
        {
            rows += Plan.RowsOf(clock, share);
        }

        return rows;
    }

    private AverageShares Average()
    {
        var parts = new List<UpdatePart>();
        var rows = new List<long>();
        foreach (ShareAccount share in Shares)
        {
            // A share without rows in this round has trained no copy.
            if (RowsInRound(share.Number) is > 0 and var trained)
            {
                parts.Add(new UpdatePart(share.Number, share.LastWorker, Plan.FirstShard(share.Number), Plan.EndShard(share.Number)));
                rows.Add(trained);
            }
        }

        var average = new AverageShares(NextUpdate(roundEnds - 1, Sequence, parts), rows);
        roundBegan = roundEnds;
        roundEnds = Plan.AverageAtOrAfter(roundBegan + 1, averageEvery);
        return average;
    }
}
