using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <summary>
/// What a run's coordinator tells whoever keeps the run: in order and without a gap, so that the ledger is whole. A connection that breaks loses what was on its way, so everything is numbered
/// and said again until it is acknowledged. The first step after a pause is told at once, those that follow within <see cref="StepCommittedEvent.ToldEvery"/> together.
/// </summary>
public sealed class KeeperOutbox
{
    /// <summary>What is said again at once, of more that is not acknowledged.</summary>
    private const int MostAtOnce = 64;

    private static readonly TimeSpan FirstPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(8);

    private readonly Queue<ToldToKeeper> unacknowledged = [];
    private List<StepCommittedEvent> steps = [];
    private TimeSpan? stepsTold;
    private TimeSpan patience = FirstPatience;
    private TimeSpan saidAt;
    private long last;

    /// <summary>Whether everything was heard.</summary>
    public bool IsEmpty => unacknowledged.Count == 0 && steps.Count == 0;

    /// <summary>Says something, behind all steps up to now.</summary>
    /// <returns>What to send, in this order.</returns>
    public IReadOnlyList<ToldToKeeper> Tell(object message, TimeSpan now) => [.. Flush(now), Number(message, now)];

    /// <summary>Tells of a step, now or with those that follow: where some wait, <see cref="Flush"/> is to be called after <see cref="FlushAfter"/>.</summary>
    /// <returns>What to send, in this order.</returns>
    public IReadOnlyList<ToldToKeeper> Report(StepCommittedEvent step, TimeSpan now)
    {
        steps.Add(step);
        return FlushAfter(now) > TimeSpan.Zero ? [] : Flush(now);
    }

    /// <summary>After what time the steps that wait are due; null if none does.</summary>
    public TimeSpan? FlushAfter(TimeSpan now) => steps.Count == 0 ? null
        : stepsTold is { } told && now - told < StepCommittedEvent.ToldEvery ? StepCommittedEvent.ToldEvery - (now - told)
        : TimeSpan.Zero;

    /// <summary>Tells of all steps up to now.</summary>
    /// <returns>What to send.</returns>
    public IReadOnlyList<ToldToKeeper> Flush(TimeSpan now)
    {
        if (steps.Count == 0)
        {
            return [];
        }

        var message = new StepsCommitted(steps);
        (steps, stepsTold) = ([], now);
        return [Number(message, now)];
    }

    /// <summary>Some of it was heard.</summary>
    public void Handle(KeeperHeard message, TimeSpan now)
    {
        while (unacknowledged.TryPeek(out ToldToKeeper? first) && first.Number <= message.Number)
        {
            unacknowledged.Dequeue();
            (saidAt, patience) = (now, FirstPatience);
        }
    }

    /// <summary>What is to be said again, as nothing was acknowledged for a while; for longer each time.</summary>
    /// <returns>What to send, in this order.</returns>
    public IReadOnlyList<ToldToKeeper> Repeat(TimeSpan now)
    {
        if (unacknowledged.Count == 0 || now - saidAt < patience)
        {
            return [];
        }

        saidAt = now;
        patience = patience * 2 < LastPatience ? patience * 2 : LastPatience;
        return [.. unacknowledged.Take(MostAtOnce)];
    }

    private ToldToKeeper Number(object message, TimeSpan now)
    {
        if (unacknowledged.Count == 0)
        {
            saidAt = now;
        }

        var told = new ToldToKeeper(++last, message);
        unacknowledged.Enqueue(told);
        return told;
    }
}
