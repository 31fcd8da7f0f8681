using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>One evaluation: its blocks are dealt like shards, and their sums folded in the order of the blocks, whoever computed them.</summary>
/// <param name="number">Number of the evaluation within the run.</param>
/// <param name="split">Which rows.</param>
/// <param name="rows">How many.</param>
/// <param name="weightsStep">Steps committed in the weights that are evaluated.</param>
public sealed class EvaluationTally(int number, EvaluatedSplit split, int rows, long weightsStep)
{
    private readonly EvaluationTotals?[] blocks = new EvaluationTotals?[EvaluationBlock.CountFor(rows)];
    private readonly List<(WorkerId Worker, int First, int End)> shares = [];
    private WorkerId[] dealtTo = [];
    private TimeSpan dealtAt;
    private TimeSpan? taken;

    /// <summary>Which rows.</summary>
    public EvaluatedSplit Split => split;

    /// <summary>Whether every block is in.</summary>
    public bool IsComplete => blocks.All(block => block is not null);

    /// <summary>What the slowest share took that is in; null before the first.</summary>
    public TimeSpan? Taken => taken;

    /// <summary>Deals what is missing: each run of missing blocks is cut evenly over the members.</summary>
    /// <param name="members">Who computes.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<TellWorker> Deal(IReadOnlyList<WorkerId> members, TimeSpan now)
    {
        List<TellWorker> dealt = [];
        (dealtTo, dealtAt) = ([.. members], now);
        shares.Clear();
        for (int first = 0; first < blocks.Length; first++)
        {
            if (blocks[first] is not null)
            {
                continue;
            }

            int end = first;
            while (end < blocks.Length && blocks[end] is null)
            {
                end++;
            }

            for (int i = 0; i < members.Count; i++)
            {
                int from = first + (int)((long)i * (end - first) / members.Count);
                int to = first + (int)((long)(i + 1) * (end - first) / members.Count);
                if (from < to)
                {
                    shares.Add((members[i], from, to));
                    dealt.Add(new TellWorker(members[i], new EvaluateBlocks(number, split, from, to, weightsStep)));
                }
            }

            first = end;
        }

        return dealt;
    }

    /// <summary>Deals what is late to those who are done, or had nothing to do.</summary>
    /// <param name="after">After what time something is late.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<TellWorker> Help(TimeSpan after, TimeSpan now)
    {
        WorkerId[] idle = [.. dealtTo.Where(worker => shares.TrueForAll(share => share.Worker != worker || IsIn(share.First, share.End)))];
        return now - dealtAt <= after || idle.Length == 0 || idle.Length == dealtTo.Length ? [] : Deal(idle, now);
    }

    /// <summary>Enters a worker's result; one of another evaluation is dropped, and a block that is in already stays as it is.</summary>
    /// <param name="result">The result.</param>
    /// <param name="now">The time.</param>
    public void Enter(BlocksEvaluated result, TimeSpan now)
    {
        if (result.Evaluation != number)
        {
            return;
        }

        for (int i = 0; i < result.Totals.Count; i++)
        {
            blocks[result.FirstBlock + i] ??= result.Totals[i];
        }

        if (shares.Exists(share => share.First <= result.FirstBlock && result.FirstBlock < share.End && IsIn(share.First, share.End)))
        {
            taken = now - dealtAt;
        }
    }

    /// <summary>The sum over all blocks, in their order.</summary>
    public EvaluationTotals Total() => blocks.Aggregate(default(EvaluationTotals), (sum, block) => sum + block!.Value);

    private bool IsIn(int first, int end) => blocks.AsSpan(first, end - first).IndexOf(default(EvaluationTotals?)) < 0;
}
