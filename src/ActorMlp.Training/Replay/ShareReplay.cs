using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Replay;

/// <summary>What the replays of runs that are made of shares have in common: weights, arithmetic, and the log read in order.</summary>
internal abstract class ShareReplay : IStepReplay
{
    private readonly float[] parameters;
    private readonly IReadOnlyList<UpdateRecord> records;
    private readonly SortedDictionary<long, SortedDictionary<int, GradientTotals>> totalsOfSteps = [];
    private long committed;
    private int next;

    protected ShareReplay(IShareModel model, SharePlan plan, ConsistencyRule rule, IReadOnlyList<UpdateRecord> records, float[] initial)
    {
        this.records = records;
        Plan = plan;
        Rule = rule;
        parameters = initial;
        Engine = new ShareEngine(model, plan, rule.Mode);
    }

    /// <summary>The replay of a log.</summary>
    /// <param name="model">What computes.</param>
    /// <param name="plan">The shares.</param>
    /// <param name="rule">The run's consistency, not bsp.</param>
    /// <param name="records">The log.</param>
    /// <param name="initial">What the run begins with; trained in place.</param>
    public static ShareReplay Of(IShareModel model, SharePlan plan, ConsistencyRule rule, IReadOnlyList<UpdateRecord> records, float[] initial) =>
        rule.Mode == ConsistencyMode.Local
            ? new LocalReplay(model, plan, rule, records, initial)
            : new UpdateReplay(model, plan, rule, records, initial);

    public ReadOnlySpan<float> Parameters => parameters;

    protected SharePlan Plan { get; }

    protected ConsistencyRule Rule { get; }

    protected ShareEngine Engine { get; }

    protected Span<float> Weights => parameters;

    public void TrainUpTo(long step, ref GradientTotals totals)
    {
        for (; next < records.Count && records[next].Clock < step; next++)
        {
            UpdateRecord record = records[next];
            if (record.Sequence != next)
            {
                throw Wrong(record, next, $"has sequence {record.Sequence}, expected {next}");
            }

            if (record.Clock < committed)
            {
                throw Wrong(record, next, $"is of step {record.Clock}, at whose end the run held before");
            }

            CheckParts(record);
            Replay(record);
        }

        // By the order of steps and shares, whatever the order in which they were applied: as the run adds them.
        for (; committed < step; committed++)
        {
            CheckCounted(committed, totalsOfSteps.TryGetValue(committed, out SortedDictionary<int, GradientTotals>? shares) ? [.. shares.Keys] : []);
            totals += shares!.Values.Aggregate(default(GradientTotals), (sum, share) => sum + share);
            totalsOfSteps.Remove(committed);
        }
    }

    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block) => Engine.EvaluateBlock(split, block, Parameters);

    /// <summary>Computes an update again.</summary>
    protected abstract void Replay(UpdateRecord record);

    /// <summary>Checks which shares were counted in a step.</summary>
    protected abstract void CheckCounted(long step, IReadOnlyList<int> shares);

    /// <summary>Enters a share's sums, once for each step.</summary>
    protected void Enter(UpdateRecord record, long step, int share, GradientTotals totals)
    {
        if (!totalsOfSteps.TryGetValue(step, out SortedDictionary<int, GradientTotals>? shares))
        {
            totalsOfSteps[step] = shares = [];
        }

        if (!shares.TryAdd(share, totals))
        {
            throw Wrong(record, record.Sequence, $"counts share {share} of step {step} a second time");
        }
    }

    /// <summary>What is wrong with a line; the header is line 1.</summary>
    protected static ReplayDiffersException Wrong(UpdateRecord record, long index, string problem) =>
        new($"updates.jsonl, line {index + 2}: the update of step {record.Clock} {problem}");

    private void CheckParts(UpdateRecord record)
    {
        int before = -1;
        foreach (UpdatePart part in record.Parts)
        {
            if (part.Share <= before || part.Share >= Plan.Shares)
            {
                throw Wrong(record, next, $"names share {part.Share} out of order, or there is no such share; there are {Plan.Shares}");
            }

            if (part.First != Plan.FirstShard(part.Share) || part.End != Plan.EndShard(part.Share))
            {
                throw Wrong(record, next, $"says that share {part.Share} has shards {part.First} to {part.End - 1}; it has {Plan.FirstShard(part.Share)} to {Plan.EndShard(part.Share) - 1}");
            }

            if (Plan.RowsOf(record.Clock, part.Share) == 0 && !IsAverage)
            {
                throw Wrong(record, next, $"counts share {part.Share}, which has no rows then");
            }

            before = part.Share;
        }
    }

    /// <summary>Whether records are averages over several steps.</summary>
    protected virtual bool IsAverage => false;
}
