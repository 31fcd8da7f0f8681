using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>The views of a ledger: who had which shards when.</summary>
internal sealed class ViewHistory
{
    private readonly Dictionary<int, IReadOnlyList<WorkerShards>> views = [];
    private int newest;
    private int last;
    private IReadOnlyList<CountedSubtree>? checkedLast;

    /// <summary>The run begins anew: views may be numbered anew too.</summary>
    public void Clear()
    {
        views.Clear();
        (newest, last, checkedLast) = (0, 0, null);
    }

    /// <summary>Enters a view. They only grow; where they do not, another coordinator took the run over and began to number them anew.</summary>
    public void Enter(ViewLine line)
    {
        if (line.View <= newest)
        {
            Clear();
        }

        newest = line.View;
        views[line.View] = line.Shares;
    }

    /// <summary>Checks that each shard of a step was counted for a worker that had it in a view of that step, or that helped as it was late.</summary>
    /// <param name="view">The view that the step ended in; it began in that of the step before, or in a later one.</param>
    /// <param name="counted">The subtrees.</param>
    /// <param name="redealt">Shards that were dealt again.</param>
    /// <exception cref="AuditException">It was not.</exception>
    public void Check(int view, IReadOnlyList<CountedSubtree> counted, IReadOnlyList<RedealtShards> redealt)
    {
        if (view == last && redealt.Count == 0 && ReferenceEquals(counted, checkedLast))
        {
            return;
        }

        if (view < last)
        {
            throw new AuditException($"the step ended in view {view}, and the step before in view {last}: views only grow");
        }

        if (!views.ContainsKey(view))
        {
            throw new AuditException($"the step ended in view {view}, which no line before it names");
        }

        List<IReadOnlyList<WorkerShards>> standing = [.. views.Where(one => one.Key >= last && one.Key <= view).Select(one => one.Value)];
        foreach (CountedSubtree subtree in counted)
        {
            // Shard by shard: neighbours that a worker had in different views may be told of as one subtree.
            for (int shard = subtree.Node.FirstShard; shard < subtree.Node.EndShard; shard++)
            {
                if (!standing.Exists(shares => OwnerOf(shares, shard) == subtree.Worker) && !HasHelp(standing, shard, subtree.Worker, redealt))
                {
                    throw new AuditException($"shard {shard} is counted for worker {subtree.Worker}; by view {view} it is of worker {OwnerOf(views[view], shard)}");
                }
            }
        }

        (last, checkedLast) = (view, redealt.Count == 0 ? counted : null);
        if (views.Count > 1)
        {
            foreach (int old in views.Keys.Where(number => number < view).ToList())
            {
                views.Remove(old);
            }
        }
    }

    private static bool HasHelp(List<IReadOnlyList<WorkerShards>> standing, int shard, int helper, IReadOnlyList<RedealtShards> redealt) =>
        redealt.Any(late => late.Reason == RedealReason.Late
            && late.First <= shard && shard < late.First + late.Count
            && late.Worker != helper
            && standing.Exists(shares => OwnerOf(shares, shard) == late.Worker));

    private static int OwnerOf(IReadOnlyList<WorkerShards> shares, int shard) =>
        shares.First(share => share.First <= shard && shard < share.First + share.Count).Worker;
}
