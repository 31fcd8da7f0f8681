using ActorMlp.Engine.Batches;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// The shares of a run whose workers do not compute one sum together: share <c>i</c> is what worker <c>i</c> computes of every step, neighbouring shards that stay the same
/// for the whole run, whoever is lost. There are as many as workers, but no more than shards.
/// </summary>
public sealed class SharePlan
{
    private readonly ShardRange[] ranges;
    private readonly IReadOnlyList<TreeNode>[] nodes;
    private readonly int trainingRows;
    private readonly int batchSize;
    private readonly int shards;

    /// <summary>A plan.</summary>
    /// <param name="trainingRows">Training rows.</param>
    /// <param name="batchSize">Rows per step; an epoch's last step has what is left.</param>
    /// <param name="shards">Shards per step, a power of two.</param>
    /// <param name="workers">Workers.</param>
    public SharePlan(int trainingRows, int batchSize, int shards, int workers)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainingRows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        this.trainingRows = trainingRows;
        this.batchSize = batchSize;
        this.shards = shards;
        StepsPerEpoch = (trainingRows + batchSize - 1) / batchSize;
        ranges = [.. ShardDealer.Deal(shards, [.. Enumerable.Range(0, Math.Min(workers, shards)).Select(number => new WorkerId(number, 0))])];
        nodes = [.. ranges.Select(range => TreeNode.Cover(range.First, range.End))];
    }

    /// <summary>The plan of a run with a number of workers.</summary>
    public static SharePlan Of(RunSetup setup, int workers) =>
        new(setup.Data.Training.Rows, setup.Options.Training.BatchSize, setup.Options.Training.ShardsPerStep, workers);

    /// <summary>Shards per step.</summary>
    public int Shards => shards;

    /// <summary>Number of shares.</summary>
    public int Shares => ranges.Length;

    /// <summary>Steps per epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>The name under which checkpoints keep a part of the state of what trains a share's copy.</summary>
    public static string SlotName(int share, string name) => $"share.{share}.{name}";

    /// <summary>A share's first shard.</summary>
    public int FirstShard(int share) => ranges[share].First;

    /// <summary>One past a share's last shard.</summary>
    public int EndShard(int share) => ranges[share].End;

    /// <summary>Number of a share's shards.</summary>
    public int ShardsOf(int share) => ranges[share].Count;

    /// <summary>The fewest subtrees over a share's shards, left to right.</summary>
    public IReadOnlyList<TreeNode> NodesOf(int share) => nodes[share];

    /// <summary>Rows of a share in a step: 0 only where an epoch's last step has fewer rows than shards.</summary>
    public int RowsOf(long step, int share)
    {
        int rows = RowsOf(step);
        return (int)((long)EndShard(share) * rows / shards) - (int)((long)FirstShard(share) * rows / shards);
    }

    /// <summary>Steps before <paramref name="step"/> in which a share has rows.</summary>
    public long StepsWithRows(long step, int share) =>
        RowsOf(StepsPerEpoch - 1, share) > 0 ? step : step - step / StepsPerEpoch;

    /// <summary>The shares that have rows in a step, ascending.</summary>
    public IEnumerable<int> SharesWithRows(long step) => Enumerable.Range(0, Shares).Where(share => RowsOf(step, share) > 0);

    /// <summary>Updates that a run with one for each share and step has before a step.</summary>
    public long UpdatesBefore(long step) => Enumerable.Range(0, Shares).Sum(share => StepsWithRows(step, share));

    /// <summary>The first step, counted as steps done, at or after <paramref name="done"/> at which copies are averaged.</summary>
    /// <param name="done">Steps done, at least 1.</param>
    /// <param name="every">Steps between two averages; an epoch's end is one too.</param>
    public long AverageAtOrAfter(long done, int every)
    {
        long epoch = (done - 1) / StepsPerEpoch * StepsPerEpoch;
        return epoch + Math.Min(StepsPerEpoch, (done - epoch + every - 1) / every * every);
    }

    /// <summary>Averages up to and with <paramref name="done"/> steps.</summary>
    public long AveragesUpTo(long done, int every)
    {
        long inEpoch = done % StepsPerEpoch;
        return done / StepsPerEpoch * ((StepsPerEpoch + every - 1) / every) + inEpoch / every;
    }

    private int RowsOf(long step) => Math.Min(batchSize, trainingRows - (int)(step % StepsPerEpoch) * batchSize);
}
