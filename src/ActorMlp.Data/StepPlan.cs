using ActorMlp.Engine.Random;

namespace ActorMlp.Data;

/// <summary>Which rows make which step: a pure function of the number of rows, the batch size and the seed.</summary>
/// <remarks>Each epoch is a Fisher–Yates shuffle of all rows, keyed by (seed, epoch), cut in batches; the last batch has what is left.</remarks>
public sealed class StepPlan
{
    private readonly int rows;
    private readonly int batchSize;
    private readonly CounterRandom random;
    private volatile Order? current;

    /// <summary>A plan.</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="batchSize">Rows per step.</param>
    /// <param name="epochs">Times that each row is seen.</param>
    /// <param name="seed">The run's seed.</param>
    public StepPlan(int rows, int batchSize, int epochs, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        this.rows = rows;
        this.batchSize = batchSize;
        random = new CounterRandom(seed, RandomPurpose.Shuffle);
        StepsPerEpoch = (rows + batchSize - 1) / batchSize;
        TotalSteps = (long)StepsPerEpoch * epochs;
    }

    /// <summary>Steps per epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The rows of a step, in their order. May be called by any number of threads.</summary>
    /// <param name="step">The step, 0-based.</param>
    public ReadOnlyMemory<int> RowsOf(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        long epoch = step / StepsPerEpoch;
        Order order = current is { } known && known.Epoch == epoch ? known : current = new Order(epoch, Shuffle(epoch));
        int first = (int)(step % StepsPerEpoch) * batchSize;
        return order.Rows.AsMemory(first, Math.Min(batchSize, rows - first));
    }

    private int[] Shuffle(long epoch)
    {
        int[] order = [.. Enumerable.Range(0, rows)];
        for (int i = rows - 1; i > 0; i--)
        {
            int other = random.Below(i + 1, (ulong)epoch, 0, (uint)i);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }

    private sealed record Order(long Epoch, int[] Rows);
}
