using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// How fast workers compute, measured. Shards are dealt by it only where that is clearly faster than the deal that stands, and stays so, so that noise moves nothing.
/// </summary>
internal sealed class WorkerPaces
{
    /// <summary>By how much a step must become faster to be dealt anew.</summary>
    public const double Gain = 1.2;

    /// <summary>How many measurements of each worker in a row must say so.</summary>
    public const int Persistence = 5;

    /// <summary>What a worker must have computed before its pace counts.</summary>
    private const double LeastSeconds = 1;

    /// <summary>How much of what was measured before counts when something new comes in.</summary>
    private const double Memory = 0.7;

    private readonly Dictionary<WorkerId, (double Shards, double Seconds)> measured = [];
    private IReadOnlyDictionary<WorkerId, double>? dealt;
    private int inARow;

    /// <summary>Enters a measurement.</summary>
    public void Enter(WorkerPace pace)
    {
        (double shards, double seconds) = measured.GetValueOrDefault(pace.Worker);
        measured[pace.Worker] = (shards * Memory + pace.Shards, seconds * Memory + pace.BusySeconds);
    }

    /// <summary>Whether a deal by what is measured now would be clearly faster; from then on it is the deal.</summary>
    public bool SuggestsOtherDeal(RunShape shape, View view, IReadOnlyList<WorkerId> workers)
    {
        if (workers.Count < 2 || workers.Any(worker => measured.GetValueOrDefault(worker).Seconds < LeastSeconds))
        {
            return false;
        }

        double[] rates = [.. workers.Select(worker => measured[worker].Shards / measured[worker].Seconds)];
        IReadOnlyList<ShardRange> better = ShardDealer.Deal(shape.Shards, workers, rates, shape.ShardsDealtTogether);
        if (SecondsOfAStep(view.Ranges) < SecondsOfAStep(better) * Gain)
        {
            inARow = 0;
            return false;
        }

        if (++inARow < Persistence * workers.Count)
        {
            return false;
        }

        inARow = 0;
        dealt = workers.Zip(rates).ToDictionary(pair => pair.First, pair => pair.Second);
        return true;
    }

    /// <summary>The rates to deal by; null for an even deal, as long as nothing else is known of every worker.</summary>
    public IReadOnlyList<double>? Of(IReadOnlyList<WorkerId> workers) =>
        dealt is { } rates && workers.All(rates.ContainsKey) ? [.. workers.Select(worker => rates[worker])] : null;

    private double SecondsOfAStep(IReadOnlyList<ShardRange> ranges) => ranges.Max(range =>
        range.Count == 0 ? 0 : measured.TryGetValue(range.Worker, out var of) ? range.Count * of.Seconds / of.Shards : double.PositiveInfinity);
}
