using System.Globalization;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>Who computed what, and what was dealt again.</summary>
internal sealed class ContributionTally
{
    private readonly Dictionary<int, string> nodes = [];
    private readonly Dictionary<string, Share> shares = [];
    private readonly List<RedealtEntry> redealt = [];
    private long shards;

    /// <summary>What was dealt again so far.</summary>
    public IReadOnlyList<RedealtEntry> Redealt => redealt;

    /// <summary>Who computed what so far; the first numbers first.</summary>
    public IReadOnlyList<WorkerShare> Workers =>
    [
        .. shares.OrderBy(share => share.Key.Length).ThenBy(share => share.Key, StringComparer.Ordinal)
            .Select(share => new WorkerShare(share.Key, share.Value.Shards, share.Value.Steps, share.Value.Rows, (double)share.Value.Shards / shards)),
    ];

    /// <summary>Enters who is in the run.</summary>
    public void Enter(MembersLine line)
    {
        foreach ((int number, string node) in line.Nodes)
        {
            nodes[number] = node;
        }
    }

    /// <summary>The run begins anew: nodes may be numbered anew too.</summary>
    public void ForgetNodes() => nodes.Clear();

    /// <summary>Enters a step.</summary>
    /// <param name="account">The step.</param>
    /// <param name="rowsOf">Rows of a subtree of it.</param>
    /// <exception cref="AuditException">A worker is none of the run's.</exception>
    public void Enter(StepAccount account, Func<CountedSubtree, int> rowsOf)
    {
        foreach (CountedSubtree subtree in account.Counted)
        {
            string name = NameOf(subtree.Worker);
            if (!shares.TryGetValue(name, out Share? share))
            {
                shares[name] = share = new Share();
            }

            share.Shards += subtree.Node.ShardCount;
            share.Rows += rowsOf(subtree);
            share.Steps += share.LastStep == account.Step ? 0 : 1;
            share.LastStep = account.Step;
            shards += subtree.Node.ShardCount;
        }

        redealt.AddRange(account.Redealt.Select(one => new RedealtEntry(account.Step, NameOf(one.Worker), one.First, one.Count, one.Reason)));
    }

    private string NameOf(int worker) => nodes.Count == 0 ? worker.ToString(CultureInfo.InvariantCulture)
        : nodes.TryGetValue(worker, out string? node) ? node
        : throw new AuditException($"worker {worker} is no node of the run; named are {string.Join(", ", nodes.Keys.Order())}");

    private sealed class Share
    {
        public long Shards { get; set; }

        public long Rows { get; set; }

        public long Steps { get; set; }

        public long LastStep { get; set; } = -1;
    }
}
