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

    /// <summary>Checks that each subtree of a step was counted for a worker that had it in a view of that step.</summary>
    /// <param name="view">The view that the step ended in; it began in that of the step before, or in a later one.</param>
    /// <param name="counted">The subtrees.</param>
    /// <exception cref="AuditException">It was not.</exception>
    public void Check(int view, IReadOnlyList<CountedSubtree> counted)
    {
        if (view == last && ReferenceEquals(counted, checkedLast))
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
            if (!standing.Exists(shares => Covers(shares, subtree)))
            {
                string owners = string.Join(" and ", views[view]
                    .Where(share => share.First < subtree.Node.EndShard && subtree.Node.FirstShard < share.First + share.Count)
                    .Select(share => $"worker {share.Worker}"));
                throw new AuditException($"{subtree.Node} are counted for worker {subtree.Worker}; by view {view} they are of {owners}");
            }
        }

        (last, checkedLast) = (view, counted);
        if (views.Count > 1)
        {
            foreach (int old in views.Keys.Where(number => number < view).ToList())
            {
                views.Remove(old);
            }
        }
    }

    private static bool Covers(IReadOnlyList<WorkerShards> shares, CountedSubtree subtree) => shares.Any(share =>
        share.Worker == subtree.Worker && share.First <= subtree.Node.FirstShard && subtree.Node.EndShard <= share.First + share.Count);
}
