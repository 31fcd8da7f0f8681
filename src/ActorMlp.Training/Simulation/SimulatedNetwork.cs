using ActorMlp.Engine.Random;

namespace ActorMlp.Training.Simulation;

/// <summary>The two planes between nodes.</summary>
internal enum Plane
{
    /// <summary>Small messages.</summary>
    Control,

    /// <summary>Gradients, weights and state.</summary>
    Bulk,
}

/// <summary>
/// Links between processes: what one sends to another on one plane arrives in order, after the bytes before it have left its sender. Where a link is cut it
/// waits, as TCP sends it again.
/// </summary>
/// <param name="clock">The time.</param>
/// <param name="link">What links are like.</param>
/// <param name="random">Chance.</param>
internal sealed class SimulatedNetwork(VirtualClock clock, LinkModel link, CounterRandom random)
{
    private readonly Dictionary<(int From, int To, Plane Plane), TimeSpan> lastArrival = [];
    private readonly Dictionary<int, TimeSpan> sending = [];
    private readonly Dictionary<(int From, int To), List<Action>> held = [];
    private readonly HashSet<(int, int)> cut = [];
    private uint draws;

    /// <summary>Bytes sent by each process on the bulk plane.</summary>
    public Dictionary<int, long> BulkBytes { get; } = [];

    /// <summary>What is added to the latency of every message.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Sends something.</summary>
    /// <param name="from">A process.</param>
    /// <param name="to">Another, or the same.</param>
    /// <param name="plane">On which plane.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="arrive">What happens when it arrives.</param>
    public void Send(int from, int to, Plane plane, long bytes, Action arrive)
    {
        if (from == to)
        {
            clock.After(TimeSpan.Zero, arrive);
            return;
        }

        TimeSpan leaves = clock.Now;
        if (plane == Plane.Bulk)
        {
            BulkBytes[from] = BulkBytes.GetValueOrDefault(from) + bytes;
            leaves = Max(leaves, sending.GetValueOrDefault(from)) + TimeSpan.FromSeconds(bytes / link.BytesPerSecond);
            sending[from] = leaves;
        }

        double noise = 1 + link.Jitter * (2 * random.Uniform(1, 0, draws++) - 1);
        TimeSpan arrives = Max(leaves + link.Latency * noise + Delay, lastArrival.GetValueOrDefault((from, to, plane)));
        lastArrival[(from, to, plane)] = arrives;
        clock.After(arrives - clock.Now, () => Arrive(from, to, arrive));
    }

    /// <summary>Cuts the links between two processes, both ways.</summary>
    public void Cut(int one, int other)
    {
        cut.Add((one, other));
        cut.Add((other, one));
    }

    /// <summary>Mends every link: what waited arrives now.</summary>
    public void Heal()
    {
        cut.Clear();
        List<Action>[] all = [.. held.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
        held.Clear();
        foreach (Action arrive in all.SelectMany(waiting => waiting))
        {
            clock.After(TimeSpan.Zero, arrive);
        }
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void Arrive(int from, int to, Action arrive)
    {
        if (!cut.Contains((from, to)))
        {
            arrive();
            return;
        }

        if (!held.TryGetValue((from, to), out List<Action>? waiting))
        {
            held[(from, to)] = waiting = [];
        }

        waiting.Add(arrive);
    }
}
