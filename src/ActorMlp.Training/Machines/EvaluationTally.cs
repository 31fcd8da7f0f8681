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

    /// <summary>Which rows.</summary>
    public EvaluatedSplit Split => split;

    /// <summary>Whether every block is in.</summary>
    public bool IsComplete => blocks.All(block => block is not null);

    /// <summary>Deals what is missing: each run of missing blocks is cut evenly over the members.</summary>
    public IEnumerable<TellWorker> Deal(IReadOnlyList<WorkerId> members)
    {
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
                    yield return new TellWorker(members[i], new EvaluateBlocks(number, split, from, to, weightsStep));
                }
            }

            first = end;
        }
    }

    /// <summary>Enters a worker's result; one of another evaluation is dropped, and a block that is in already stays as it is.</summary>
    public void Enter(BlocksEvaluated result)
    {
        if (result.Evaluation != number)
        {
            return;
        }

        for (int i = 0; i < result.Totals.Count; i++)
        {
            blocks[result.FirstBlock + i] ??= result.Totals[i];
        }
    }

    /// <summary>The sum over all blocks, in their order.</summary>
    public EvaluationTotals Total() => blocks.Aggregate(default(EvaluationTotals), (sum, block) => sum + block!.Value);
}
