using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>The views of a ledger: who had which shards when.</summary>
internal sealed class ViewHistory
{
    private readonly Dictionary<int, IReadOnlyList<WorkerShards>> views = [];
    private int newest;
    private int last;
    private int lastButOne;
    private IReadOnlyList<CountedSubtree>? checkedLast;

    /// <summary>The run begins anew: views may be numbered anew too.</summary>
    public void Clear()
    {
        views.Clear();
        (newest, last, lastButOne, checkedLast) = (0, 0, 0, null);
    }

    /// <summary>The run went back: steps from here on are of a view, or of a later one; views before count no more.</summary>
    /// <param name="view">Its number; 0 where views are numbered anew.</param>
    public void GoOnFrom(int view)
    {
        if (view == 0)
        {
            Clear();
            return;
        }

        foreach (int old in views.Keys.Where(number => number < view).ToList())
        {
            views.Remove(old);
        }

        (last, lastButOne, checkedLast) = (0, 0, null);
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
    /// <param name="view">
    /// The view that the lead went by when the step ended. The step may have begun in an older one: the lead decides on that while the step before is in flight, which may itself be opened
    /// again in a newer view then. So it is no older than the view in which the step before that ended. Workers may have gone by any view that was published since.
    /// </param>
    /// <param name="counted">The subtrees.</param>
    /// <param name="redealt">Shards that were dealt again.</param>
    /// <exception cref="AuditException">It was not.</exception>
    public void Check(int view, IReadOnlyList<CountedSubtree> counted, IReadOnlyList<RedealtShards> redealt)
    {
        if (view == last && last == lastButOne && redealt.Count == 0 && ReferenceEquals(counted, checkedLast))
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

        List<IReadOnlyList<WorkerShards>> standing = [.. views.Where(one => one.Key >= lastButOne).Select(one => one.Value)];
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

        (lastButOne, last, checkedLast) = (last, view, redealt.Count == 0 ? counted : null);
        if (views.Count > 1)
        {
            foreach (int old in views.Keys.Where(number => number < lastButOne).ToList())
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
