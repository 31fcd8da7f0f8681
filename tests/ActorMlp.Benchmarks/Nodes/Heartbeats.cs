using System.Diagnostics;
using System.Globalization;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Nodes;

/// <summary>
/// Whether nodes keep each other when there is no processor to spare: three processes on this machine, each with a compute thread a core and a full thread
/// pool. Counts how often a node was marked unreachable, and times pings between them.
/// </summary>
internal static class Heartbeats
{
    private const int Nodes = 3;
    private static readonly TimeSpan PingEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs the nodes as processes of their own.</summary>
    /// <param name="seconds">How long.</param>
    /// <param name="shared">Whether the cluster's actors share the thread pool, for comparison.</param>
    public static async Task RunAsync(int seconds, bool shared)
    {
        var nodes = new List<Process>();
        string join = "-";
        for (int number = 0; number < Nodes; number++)
        {
            Process node = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, NodeArguments(join, seconds, shared)) { RedirectStandardOutput = true })!;
            nodes.Add(node);
            string address = await node.StandardOutput.ReadLineAsync().ConfigureAwait(false) ?? throw new InvalidOperationException("the node did not start");
            join = number == 0 ? address : join;
        }

        Console.WriteLine($"{Nodes} nodes, {Environment.ProcessorCount} cores, {seconds} s, {(shared ? "thread pool" : "dedicated threads")} for cluster and remoting");
        foreach (Process node in nodes)
        {
            Console.Write(await node.StandardOutput.ReadToEndAsync().ConfigureAwait(false));
            await node.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One of the processes.</summary>
    public static async Task RunNodeAsync(string join, int seconds, bool shared)
    {
        var log = new Log();
        var options = new NodeOptions
        {
            Listen = new NodeAddress("127.0.0.1", 0),
            Join = join == "-" ? [] : [join],
            DataDirectory = Path.GetTempPath(),
        };
        await using NodeHost node = await NodeHost.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System, akka =>
        {
            if (shared)
            {
                akka.AddHocon(
                    """
                    akka.actor.internal-dispatcher { type = Dispatcher, executor = default-executor }
                    akka.remote.default-remote-dispatcher { type = Dispatcher, executor = default-executor }
                    """,
                    HoconAddMode.Prepend);
            }

            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new Pinger(log)).WithDispatcher("akka.actor.internal-dispatcher"), "pinger"));
        }).ConfigureAwait(false);
        Console.WriteLine(node.Address);
        while (node.Cluster.State.Members.Count(member => member.Status == MemberStatus.Up) < Nodes)
        {
            await Task.Delay(100).ConfigureAwait(false);
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        Thread[] burning = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() => Burn(stop.Token)) { IsBackground = true })];
        foreach (Thread thread in burning)
        {
            thread.Start();
        }

        for (int i = 0; i < 4 * Environment.ProcessorCount; i++)
        {
            ThreadPool.QueueUserWorkItem(FillPool, stop.Token, preferLocal: false);
        }

        foreach (Thread thread in burning)
        {
            thread.Join();
        }

        string report = log.Report();

        // All report before any leaves: a node that leaves is no failure.
        await Task.Delay(TimeSpan.FromSeconds(3)).ConfigureAwait(false);
        Console.WriteLine(report);
    }

    private static string[] NodeArguments(string join, int seconds, bool shared)
    {
        string[] own = ["heartbeats-node", join, seconds.ToString(CultureInfo.InvariantCulture), shared ? "shared" : "dedicated"];
        string dll = typeof(Heartbeats).Assembly.Location;
        return Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [dll, .. own] : own;
    }

    private static void Burn(CancellationToken stop)
    {
        double x = 1;
        while (!stop.IsCancellationRequested)
        {
            for (int i = 0; i < 10_000; i++)
            {
                x = Math.FusedMultiplyAdd(x, 0.999, 1e-3);
            }
        }

        GC.KeepAlive(x);
    }

    private static void FillPool(CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMilliseconds(5))
        {
        }

        if (!stop.IsCancellationRequested)
        {
            ThreadPool.QueueUserWorkItem(FillPool, stop, preferLocal: false);
        }
    }

    private sealed class Log
    {
        private readonly List<double> milliseconds = [];

        public int Unreachable { get; set; }

        public void Add(TimeSpan roundTrip) => milliseconds.Add(roundTrip.TotalMilliseconds);

        public string Report()
        {
            double[] sorted = [.. milliseconds.Order()];
            return string.Create(
                CultureInfo.InvariantCulture,
                $"  marked unreachable {Unreachable} times; {sorted.Length} pings: median {sorted[sorted.Length / 2]:0.0} ms, 99.9 % within {sorted[(int)(sorted.Length * 0.999)]:0.0} ms, longest {sorted[^1]:0.0} ms");
        }
    }

    private sealed class Pinger : ReceiveActor, IWithTimers
    {
        public Pinger(Log log)
        {
            Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);
            cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.UnreachableMember));
            Receive<ClusterEvent.UnreachableMember>(_ => log.Unreachable++);
            Receive<ClusterEvent.CurrentClusterState>(_ => { });
            Receive<Tick>(_ =>
            {
                foreach (Member member in cluster.State.Members.Where(member => member.Address != cluster.SelfAddress))
                {
                    Context.ActorSelection($"{member.Address}/user/pinger").Tell(new Ping(Stopwatch.GetTimestamp()));
                }
            });
            Receive<Ping>(ping => Sender.Tell(new Pong(ping.Number)));
            Receive<Pong>(pong => log.Add(Stopwatch.GetElapsedTime(pong.Number)));
        }

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, PingEvery);

        private sealed record Tick
        {
            public static Tick Instance { get; } = new();
        }
    }
}
