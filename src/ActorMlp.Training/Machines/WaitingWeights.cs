using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>
/// Weights that came while a node still puts those before in their place: they are taken in the order in which they came. A node that is steps behind, as
/// others computed its shards, skips those of which a newer step is here whole.
/// </summary>
public sealed class WaitingWeights
{
    private readonly List<(WeightsArrived Message, Action Take, Action Drop)> waiting = [];

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => waiting.Count == 0;

    /// <summary>Enters a piece.</summary>
    /// <param name="message">Which.</param>
    /// <param name="pieces">Pieces of the whole vector.</param>
    /// <param name="take">Takes it.</param>
    /// <param name="drop">Lets go of it.</param>
    public void Add(WeightsArrived message, int pieces, Action take, Action drop)
    {
        waiting.Add((message, take, drop));
        int here = waiting.Where(one => IsOf(one.Message, message)).Select(one => one.Message.Offset).Distinct().Count();
        if (here < pieces)
        {
            return;
        }

        foreach ((WeightsArrived Message, Action Take, Action Drop) older in waiting.Where(one => IsBefore(one.Message, message)).ToList())
        {
            waiting.Remove(older);
            older.Drop();
        }
    }

    /// <summary>Takes the first piece.</summary>
    public void TakeNext()
    {
        Action take = waiting[0].Take;
        waiting.RemoveAt(0);
        take();
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        waiting.ForEach(one => one.Drop());
        waiting.Clear();
    }

    private static bool IsOf(WeightsArrived one, WeightsArrived other) => (one.Arrangement, one.Step) == (other.Arrangement, other.Step);

    private static bool IsBefore(WeightsArrived one, WeightsArrived other) =>
        (one.Arrangement, one.Step).CompareTo((other.Arrangement, other.Step)) < 0;
}
