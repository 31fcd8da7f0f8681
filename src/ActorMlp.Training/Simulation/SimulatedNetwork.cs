using ActorMlp.Engine.Random;
using ActorMlp.Training.Simulation.Sharing;

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
/// Links between processes: what one sends to another on one plane arrives in order, after the bytes before it have left its sender and been taken in by its
/// receiver. Where a link is cut it waits, as TCP sends it again; where a connection ends, bulk frames that were under way come once the next one stands, and control
/// messages that were under way are lost, as with Akka.Remote.
/// </summary>
/// <param name="clock">The time.</param>
/// <param name="link">What links are like.</param>
/// <param name="random">Chance.</param>
/// <param name="machine">The machine that all processes share, over whose loopback they talk; null where each has a machine, and links, of its own.</param>
internal sealed class SimulatedNetwork(VirtualClock clock, LinkModel link, CounterRandom random, SimulatedMachine? machine = null)
{
    private readonly Dictionary<(int From, int To, Plane Plane), Connection> connections = [];
    private readonly Dictionary<int, NetworkInterface> interfaces = [];
    private readonly Dictionary<int, TimeSpan> receiving = [];
    private readonly List<LinkDisturbance> disturbances = [];
    private uint draws;

    /// <summary>Bytes that each process sent to each other one.</summary>
    public Dictionary<(int From, int To), LinkTraffic> Traffic { get; } = [];

    /// <summary>Bytes sent by each process on the bulk plane.</summary>
    public Dictionary<int, long> BulkBytes => Traffic.Where(pair => pair.Value.Bulk > 0).GroupBy(pair => pair.Key.From)
        .ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value.Bulk));

    /// <summary>Control messages that were under way when their connection ended.</summary>
    public long ControlMessagesLost { get; private set; }

    /// <summary>Sends something.</summary>
    /// <param name="from">A process.</param>
    /// <param name="to">Another, or the same.</param>
    /// <param name="plane">On which plane.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="arrive">What happens when it arrives.</param>
    /// <param name="staged">Bytes of it that the receiver's actor copies.</param>
    public void Send(int from, int to, Plane plane, long bytes, Action arrive, long staged = 0)
    {
        if (from == to && machine is null)
        {
            clock.After(TimeSpan.Zero, arrive);
            return;
        }

        if (from != to)
        {
            Traffic[(from, to)] = Traffic.GetValueOrDefault((from, to)).Add(plane, bytes);
        }

        if (machine is not null)
        {
            machine.Send(from, to, plane, bytes, staged, arrive);
            return;
        }

        if (plane == Plane.Control)
        {
            Travel(from, to, plane, TimeSpan.Zero, arrive);
            return;
        }

        if (!interfaces.TryGetValue(from, out NetworkInterface? sender))
        {
            interfaces[from] = sender = new NetworkInterface(clock, from);
        }

        TimeSpan takes = TimeSpan.FromSeconds(bytes / link.BytesPerSecond);
        sender.Send(to, takes, () => Travel(from, to, plane, takes, arrive));
    }

    /// <summary>Something is wrong with links from now on.</summary>
    public void Begin(LinkDisturbance disturbance) => disturbances.Add(disturbance);

    /// <summary>It no longer is: what waited for a link that was cut arrives now.</summary>
    public void End(LinkDisturbance disturbance)
    {
        disturbances.Remove(disturbance);
        foreach (Connection connection in connections.Where(pair => pair.Value.Waiting.Count > 0).OrderBy(pair => pair.Key).Select(pair => pair.Value))
        {
            clock.After(TimeSpan.Zero, () => Resume(connection));
        }
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private bool IsCut(int from, int to) => disturbances.Exists(one => one.Cuts && one.Strikes(from, to));

    private Connection Of(int from, int to, Plane plane)
    {
        if (!connections.TryGetValue((from, to, plane), out Connection? connection))
        {
            connections[(from, to, plane)] = connection = new Connection(from, to, plane);
        }

        return connection;
    }

    /// <summary>The first byte leaves now.</summary>
    private void Travel(int from, int to, Plane plane, TimeSpan takes, Action arrive)
    {
        Connection connection = Of(from, to, plane);
        int standing = connection.Breaks;
        TimeSpan latency = link.Latency * (1 + link.Jitter * (2 * Draw(1) - 1));
        foreach (LinkDisturbance one in disturbances.ToArray())
        {
            if (!one.Covers(from, to, plane))
            {
                continue;
            }

            latency += one.Delay;
            for (TimeSpan again = link.Retransmission; one.LossRate > 0 && clock.Now + latency < one.Until && Draw(2) < one.LossRate; again *= 2)
            {
                latency += again;
            }

            if (one.BreakRate > 0 && Draw(3) < one.BreakRate)
            {
                Break(from, to, plane);
                if (one.Once)
                {
                    disturbances.Remove(one);
                }
            }
        }

        // In the order in which it was sent, whatever the noise.
        TimeSpan arrives = Max(clock.Now + latency, connection.LastArrival);
        connection.LastArrival = arrives;
        clock.After(arrives - clock.Now, () =>
        {
            if (plane == Plane.Control)
            {
                Arrive(connection, standing, arrive);
                return;
            }

            TimeSpan whole = Max(clock.Now, receiving.GetValueOrDefault(to)) + takes;
            receiving[to] = whole;
            clock.After(whole - clock.Now, () => Arrive(connection, standing, arrive));
        });
    }

    /// <summary>The connection between two processes ends, both ways, and is made anew.</summary>
    private void Break(int from, int to, Plane plane)
    {
        foreach (Connection one in new[] { Of(from, to, plane), Of(to, from, plane) })
        {
            one.Breaks++;
            one.StandsAgain = clock.Now + link.Reconnection;
        }
    }

    private void Arrive(Connection connection, int standing, Action arrive)
    {
        connection.Waiting.Enqueue((standing, arrive));
        Resume(connection);
    }

    /// <summary>Lets come what waits, in order, unless the link is cut or the connection is still being made.</summary>
    private void Resume(Connection connection)
    {
        if (connection.StandsAgain > clock.Now)
        {
            // It may have ended again by then.
            clock.After(connection.StandsAgain - clock.Now, () => Resume(connection));
            return;
        }

        while (!IsCut(connection.From, connection.To) && connection.Waiting.TryDequeue(out (int Standing, Action Arrive) one))
        {
            if (one.Standing != connection.Breaks && (connection.Plane == Plane.Control || !link.ResendsFrames))
            {
                ControlMessagesLost += connection.Plane == Plane.Control ? 1 : 0;
            }
            else
            {
                one.Arrive();
            }
        }
    }

    private double Draw(uint what) => random.Uniform(1, what, draws++);

    /// <summary>One way of one plane between two processes.</summary>
    private sealed class Connection(int from, int to, Plane plane)
    {
        public int From => from;

        public int To => to;

        public Plane Plane => plane;

        /// <summary>What has come and is not let through yet.</summary>
        public Queue<(int Standing, Action Arrive)> Waiting { get; } = [];

        public TimeSpan LastArrival { get; set; }

        public TimeSpan StandsAgain { get; set; }

        public int Breaks { get; set; }
    }
}
