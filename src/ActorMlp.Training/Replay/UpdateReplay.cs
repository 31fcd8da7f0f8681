using ActorMlp.Engine.Numerics;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;

namespace ActorMlp.Training.Replay;

/// <summary>
/// An ssp, async or backup run again: each update is computed with the weights that its line names, and applied in the order of the lines. Versions of the weights are kept as long
/// as a later line names them.
/// </summary>
internal sealed class UpdateReplay : ShareReplay
{
    private readonly IShareOptimizer optimizer;
    private readonly Dictionary<long, long> lastUse = [];
    private readonly Dictionary<long, AlignedBuffer> versions = [];
    private readonly Stack<AlignedBuffer> free = [];
    private readonly long[] clocks;
    private readonly List<long> slowestAt = [];

    public UpdateReplay(IShareModel model, SharePlan plan, ConsistencyRule rule, IReadOnlyList<UpdateRecord> records, float[] initial)
        : base(model, plan, rule, records, initial)
    {
        optimizer = model.CreateOptimizer();
        clocks = new long[plan.Shares];
        for (int i = 0; i < records.Count; i++)
        {
            lastUse[records[i].Version] = i;
        }
    }

    protected override void Replay(UpdateRecord record)
    {
        long current = record.Sequence;
        if (record.Version < 0 || record.Version > current)
        {
            throw Wrong(record, current, $"was computed with version {record.Version}, when there were versions 0 to {current}");
        }

        CheckClocks(record);
        Keep(current);
        AlignedBuffer? kept = record.Version == current ? null : versions[record.Version];
        foreach (UpdatePart part in record.Parts)
        {
            Enter(record, record.Clock, part.Share, Engine.ComputeGradient(part.Share, record.Clock, kept is null ? Parameters : kept.Span));
        }

        if (Engine.Apply(optimizer, record, Weights).NonFiniteLayer is { } layer)
        {
            throw Wrong(record, current, $"gives numbers that are not finite in layer {layer + 1}");
        }

        foreach (long version in versions.Keys.Where(version => lastUse[version] <= current).ToList())
        {
            free.Push(versions[version]);
            versions.Remove(version);
        }
    }

    protected override void CheckCounted(long step, IReadOnlyList<int> shares)
    {
        int expected = Plan.SharesWithRows(step).Count();
        int least = Rule.Mode == ConsistencyMode.Backup ? Math.Max(1, expected - Rule.Backups) : expected;
        if (shares.Count < least)
        {
            throw new ReplayDiffersException($"updates.jsonl: step {step} counts {shares.Count} shares, expected at least {least} of {expected}");
        }
    }

    /// <summary>Keeps the weights as they stand where a line after the next names them.</summary>
    private void Keep(long version)
    {
        if (lastUse.TryGetValue(version, out long last) && last > version)
        {
            AlignedBuffer buffer = free.TryPop(out AlignedBuffer? spare) ? spare : new AlignedBuffer(Parameters.Length);
            Parameters.CopyTo(buffer.Span);
            versions[version] = buffer;
        }
    }

    /// <summary>Checks that a share's steps follow each other, and that it was not further ahead than its mode allows when it took its weights.</summary>
    private void CheckClocks(UpdateRecord record)
    {
        slowestAt.Add(Slowest());
        if (Rule.Mode == ConsistencyMode.Backup)
        {
            return;
        }

        foreach (UpdatePart part in record.Parts)
        {
            long expected = NextWithRows(part.Share);
            if (record.Clock != expected)
            {
                throw Wrong(record, record.Sequence, $"is of share {part.Share}, which was to compute step {expected}");
            }

            if (record.Clock - slowestAt[(int)record.Version] > Rule.Staleness)
            {
                throw Wrong(record, record.Sequence, $"breaks the bound: share {part.Share} began it when the slowest was at step {slowestAt[(int)record.Version]}, with staleness {Rule.Staleness}");
            }

            clocks[part.Share] = expected + 1;
        }
    }

    private long Slowest() => Enumerable.Range(0, Plan.Shares).Min(NextWithRows);

    /// <summary>The next step of which a share has rows; it is done with those before.</summary>
    private long NextWithRows(int share) => Plan.RowsOf(clocks[share], share) > 0 ? clocks[share] : clocks[share] + 1;
}
