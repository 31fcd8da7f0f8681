namespace ActorMlp.Training.Simulation;

/// <summary>Time that passes from event to event. Events of the same moment come in the order in which they were asked for.</summary>
public sealed class VirtualClock
{
    private readonly PriorityQueue<Action, (TimeSpan When, long Order)> events = new();
    private long order;

    /// <summary>Virtual time since the beginning.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Has something happen after a while.</summary>
    public void After(TimeSpan delay, Action what) => events.Enqueue(what, (Now + delay, order++));

    /// <summary>Lets the next event happen.</summary>
    /// <returns>False if there is none.</returns>
    public bool Step()
    {
        if (!events.TryDequeue(out Action? what, out (TimeSpan When, long Order) at))
        {
            return false;
        }

        Now = at.When;
        what();
        return true;
    }
}
