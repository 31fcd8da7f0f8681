namespace ActorMlp.Training.Simulation;

/// <summary>
/// A process's way out: one frame leaves at a time, and those to several receivers take turns, as connections share a link. Turns begin with the receiver behind the
/// sender, so that not all send to the same one first.
/// </summary>
internal sealed class NetworkInterface
{
    private readonly VirtualClock clock;
    private readonly int owner;
    private readonly Dictionary<int, Queue<(TimeSpan Takes, Action Leaves)>> waiting = [];
    private readonly SortedSet<int> receivers = [];
    private int last;
    private bool busy;

    /// <summary>Nothing is sent yet.</summary>
    /// <param name="clock">The time.</param>
    /// <param name="owner">The process.</param>
    public NetworkInterface(VirtualClock clock, int owner)
    {
        this.clock = clock;
        this.owner = owner;
        last = owner;
    }

    /// <summary>Queues a frame.</summary>
    /// <param name="to">Its receiver.</param>
    /// <param name="takes">For how long it keeps the link.</param>
    /// <param name="leaves">Called when its first byte leaves.</param>
    public void Send(int to, TimeSpan takes, Action leaves)
    {
        if (!waiting.TryGetValue(to, out Queue<(TimeSpan, Action)>? queue))
        {
            waiting[to] = queue = new();
        }

        queue.Enqueue((takes, leaves));
        receivers.Add(to);
        if (!busy)
        {
            // Whatever else is sent at this very moment takes its turn too.
            busy = true;
            clock.After(TimeSpan.Zero, Next);
        }
    }

    private void Next()
    {
        if (receivers.Count == 0)
        {
            (busy, last) = (false, owner);
            return;
        }

        SortedSet<int> behind = receivers.GetViewBetween(last + 1, int.MaxValue);
        last = behind.Count > 0 ? behind.Min : receivers.Min;
        (TimeSpan takes, Action leaves) = waiting[last].Dequeue();
        if (waiting[last].Count == 0)
        {
            receivers.Remove(last);
        }

        leaves();
        clock.After(takes, Next);
    }
}
