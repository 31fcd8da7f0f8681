using System.Diagnostics;
using System.Globalization;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Cluster;

namespace ActorMlp.Benchmarks.Nodes;

/// <summary>Pings the other nodes, and notes how long pings took to come here and how long its own took there and back.</summary>
internal sealed class DelayPinger : ReceiveActor, IWithTimers
{
    public const string Name = "delay-pinger";
    private static readonly TimeSpan PingEvery = TimeSpan.FromMilliseconds(20);

    public DelayPinger(DelayLog log)
    {
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.UnreachableMember));
        Receive<ClusterEvent.UnreachableMember>(_ => log.CountUnreachable());
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
        Receive<Tick>(_ =>
        {
            foreach (Member member in cluster.State.Members.Where(member => member.Address != cluster.SelfAddress))
            {
                Context.ActorSelection($"{member.Address}/user/{Name}").Tell(new Ping(Stopwatch.GetTimestamp()));
            }
        });
        Receive<Ping>(ping =>
        {
            // Processes of one machine read the same clock.
            log.AddOneWay(Stopwatch.GetElapsedTime(ping.Number));
            Sender.Tell(new Pong(ping.Number));
        });
        Receive<Pong>(pong => log.AddRoundTrip(Stopwatch.GetElapsedTime(pong.Number)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, PingEvery);

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}

/// <summary>What a <see cref="DelayPinger"/> noted.</summary>
internal sealed class DelayLog
{
    private readonly Lock gate = new();
    private Delays delays = new([], []);
    private int unreachable;

    /// <summary>How often the other node was marked unreachable.</summary>
    public int Unreachable => Volatile.Read(ref unreachable);

    public void CountUnreachable() => Interlocked.Increment(ref unreachable);

    public void AddOneWay(TimeSpan delay)
    {
        lock (gate)
        {
            delays.OneWay.Add(delay.TotalMilliseconds);
        }
    }

    public void AddRoundTrip(TimeSpan delay)
    {
        lock (gate)
        {
            delays.RoundTrip.Add(delay.TotalMilliseconds);
        }
    }

    /// <summary>What came since the last call.</summary>
    public Delays Take()
    {
        lock (gate)
        {
            Delays taken = delays;
            delays = new Delays([], []);
            return taken;
        }
    }
}

/// <summary>Delays in milliseconds.</summary>
internal sealed record Delays(List<double> OneWay, List<double> RoundTrip)
{
    public string Describe() => $"one way {Describe(OneWay)}; there and back {Describe(RoundTrip)}";

    private static string Describe(List<double> milliseconds)
    {
        double[] sorted = [.. milliseconds.Order()];
        return sorted.Length == 0
            ? "nothing came"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{sorted.Length} pings, median {Statistics.Median(sorted):0.00} ms, 99 % within {sorted[(int)(sorted.Length * 0.99)]:0.0} ms, longest {sorted[^1]:0.0} ms");
    }
}
