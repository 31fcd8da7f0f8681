using System.Collections;
using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>Which training rows an epoch has seen: the rows of the shards that were counted, by the plan that configuration and seed give.</summary>
/// <param name="plan">The plan.</param>
/// <param name="rows">Training rows.</param>
/// <param name="shards">Shards per step.</param>
internal sealed class RowsSeen(StepPlan plan, int rows, int shards)
{
    private readonly BitArray seen = new(rows);
    private int count;

    /// <summary>Rows of a step, by the plan.</summary>
    public int RowsOf(long step) => plan.RowsOf(step).Length;

    /// <summary>Rows of a step's subtree.</summary>
    public int RowsOf(long step, TreeNode node)
    {
        int of = RowsOf(step);
        return StepBatch.FirstRow(node.EndShard, of, shards) - StepBatch.FirstRow(node.FirstShard, of, shards);
    }

    /// <summary>Enters the rows of what was counted of a step.</summary>
    /// <exception cref="AuditException">A row is there for the second time in its epoch, or the epoch ends without one.</exception>
    public void Enter(long step, IReadOnlyList<CountedSubtree> counted)
    {
        ReadOnlySpan<int> order = plan.RowsOf(step).Span;
        long epoch = step / plan.StepsPerEpoch;
        foreach (TreeNode node in counted.Select(subtree => subtree.Node))
        {
            int end = StepBatch.FirstRow(node.EndShard, order.Length, shards);
            for (int i = StepBatch.FirstRow(node.FirstShard, order.Length, shards); i < end; i++)
            {
                if (seen[order[i]])
                {
                    throw new AuditException($"epoch {epoch + 1} sees training row {order[i]} for the second time, in step {step}");
                }

                seen[order[i]] = true;
                count++;
            }
        }

        if ((step + 1) % plan.StepsPerEpoch == 0)
        {
            if (count != rows)
            {
                int missing = Enumerable.Range(0, rows).First(row => !seen[row]);
                throw new AuditException($"epoch {epoch + 1} ends after step {step} and has seen {count} of {rows} training rows; row {missing} is missing");
            }

            seen.SetAll(false);
            count = 0;
        }
    }
}
