using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>
/// Weights on their way into a node's copy: they wait while those before are put in their place, and newer ones until the step whose pieces came first is there whole, so that of the newest step
/// that was whole here nothing is lost: it may be that only this node can compute it. A node that is steps behind, as others computed its shards, skips those of which a newer step is here whole.
/// </summary>
public sealed class WaitingWeights
{
    private readonly List<(WeightsArrived Message, Action Take, Action Drop)> waiting = [];

    /// <summary>Enters a piece.</summary>
    /// <param name="message">Which.</param>
    /// <param name="pieces">Pieces of the whole vector; more than there are where no step may be skipped.</param>
    /// <param name="take">Takes it.</param>
    /// <param name="drop">Lets go of it.</param>
    public void Add(WeightsArrived message, int pieces, Action take, Action drop)
    {
        waiting.Add((message, take, drop));
        if (CountOf(message) < pieces)
        {
            return;
        }

        foreach ((WeightsArrived Message, Action Take, Action Drop) older in waiting.Where(one => IsBefore(one.Message, message)).ToList())
        {
            waiting.Remove(older);
            older.Drop();
        }
    }

    /// <summary>Takes a piece of the oldest step, unless that is to wait.</summary>
    /// <param name="copy">The node's copy.</param>
    /// <param name="pieces">Pieces of the whole vector.</param>
    /// <returns>Whether one was taken.</returns>
    public bool TryTake(WeightsMachine copy, int pieces)
    {
        if (waiting.Count == 0)
        {
            return false;
        }

        (WeightsArrived message, Action take, Action drop) = waiting.MinBy(one => (one.Message.Arrangement, one.Message.Step));
        if (copy.MayStillComplete(message) && CountOf(message) < pieces)
        {
            return false;
        }

        waiting.Remove((message, take, drop));
        take();
        return true;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        waiting.ForEach(one => one.Drop());
        waiting.Clear();
    }

    /// <summary>Pieces of a message's step that wait.</summary>
    private int CountOf(WeightsArrived message) =>
        waiting.Where(one => (one.Message.Arrangement, one.Message.Step) == (message.Arrangement, message.Step)).Select(one => one.Message.Offset).Distinct().Count();

    private static bool IsBefore(WeightsArrived one, WeightsArrived other) =>
        (one.Arrangement, one.Step).CompareTo((other.Arrangement, other.Step)) < 0;
}
