using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <summary>Which shards of the step in flight were dealt again, and why.</summary>
internal sealed class RedealBook
{
    private readonly List<RedealtShards> entries = [];

    /// <summary>Enters a shard; neighbours that come one after the other become one entry.</summary>
    /// <param name="worker">Number of the worker that had it.</param>
    /// <param name="shard">Which.</param>
    /// <param name="reason">Why it was dealt again.</param>
    public void Enter(int worker, int shard, RedealReason reason)
    {
        if (entries.Count > 0 && entries[^1] is { } last && last.Worker == worker && last.Reason == reason && last.First + last.Count == shard)
        {
            entries[^1] = last with { Count = last.Count + 1 };
        }
        else
        {
            entries.Add(new RedealtShards(worker, shard, 1, reason));
        }
    }

    /// <summary>Enters a shard that is late, unless it is entered as that; it may be asked for more than once.</summary>
    public void EnterLate(int worker, int shard)
    {
        if (!entries.Exists(entry => entry.Reason == RedealReason.Late && entry.First <= shard && shard < entry.First + entry.Count))
        {
            Enter(worker, shard, RedealReason.Late);
        }
    }

    /// <summary>Whether a shard was a worker's before another view dealt it to somebody else: the worker may have computed it all the same.</summary>
    public bool WasDealtAwayFrom(int worker, int shard) =>
        entries.Exists(entry => entry.Reason != RedealReason.Late && entry.Worker == worker && entry.First <= shard && shard < entry.First + entry.Count);

    /// <summary>Enters what another server had entered of the same step.</summary>
    public void Enter(IEnumerable<RedealtShards> known) => entries.AddRange(known);

    /// <summary>What was entered.</summary>
    public IReadOnlyList<RedealtShards> Entries => [.. entries];

    /// <summary>Forgets what was entered.</summary>
    public void Clear() => entries.Clear();
}
