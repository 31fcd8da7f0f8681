using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Cluster;

namespace ActorMlp.Cluster.Tests.Nodes;

/// <summary>A node on loopback with short times, and an actor <c>/user/echo</c> that answers pings.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    /// <summary>Short, yet far above the noise of a busy machine for heartbeats within one process.</summary>
    public static readonly FailureDetection Quick = new()
    {
        HeartbeatInterval = TimeSpan.FromSeconds(0.2),
        AcceptablePause = TimeSpan.FromSeconds(3),
        StableAfter = TimeSpan.FromSeconds(0.5),
    };

    private static long pings;

    private readonly string folder;

    private TestNode(NodeHost host, TestLog log, string folder)
    {
        Host = host;
        Log = log;
        this.folder = folder;
    }

    public NodeHost Host { get; }

    public TestLog Log { get; }

    public static async Task<TestNode> StartAsync(NodeSecurity security, TestNode? join = null, FailureDetection? detection = null)
    {
        string folder = Directory.CreateTempSubdirectory("actormlp-").FullName;
        var log = new TestLog();
        NodeHost host = await NodeHost.StartAsync(
            new NodeOptions
            {
                Listen = new NodeAddress("127.0.0.1", 0),
                Join = join is null ? [] : [join.Host.Address.ToString()],
                DataDirectory = folder,
                Security = security,
                FailureDetection = detection ?? Quick,
            },
            log,
            TimeProvider.System,
            akka => Akka.Hosting.AkkaHostingExtensions.WithActors(akka, (system, _) => system.ActorOf(Props.Create(() => new Echo()), "echo")));
        return new TestNode(host, log, folder);
    }

    /// <summary>A cluster of nodes that are all up, and know it of each other.</summary>
    public static async Task<TestNode[]> StartClusterAsync(int count, NodeSecurity security)
    {
        var nodes = new List<TestNode> { await StartAsync(security) };
        nodes.AddRange(await Task.WhenAll(Enumerable.Range(1, count - 1).Select(_ => StartAsync(security, nodes[0]))));
        await Task.WhenAll(nodes.Select(node => node.Host.WaitUntilUpAsync(TestContext.Current.CancellationToken)));
        await Task.WhenAll(nodes.Select(node => node.WaitForMembersAsync(count)));
        return [.. nodes];
    }

    /// <summary>Waits until this node sees exactly so many members, all of them up and reachable.</summary>
    public Task WaitForMembersAsync(int count) => Eventually.TrueAsync(
        () => SeesAllUp(count),
        () => $"{Host.Address} sees {string.Join(", ", Host.Cluster.State.Members)}\n{string.Join('\n', Log.Lines)}");

    public bool SeesAllUp(int count) => Host.Cluster.State.Unreachable.IsEmpty
        && Host.Cluster.State.Members.Count == count
        && Host.Cluster.State.Members.All(member => member.Status == MemberStatus.Up);

    /// <summary>An actor of another node.</summary>
    public ActorSelection Actor(TestNode other, string path) =>
        Host.System.ActorSelection($"{other.Host.Cluster.SelfAddress}/user/{path}");

    /// <summary>Sends a ping to another node and waits for its answer.</summary>
    public async Task PingAsync(TestNode other)
    {
        var ping = new Ping(Interlocked.Increment(ref pings));
        Pong pong = await Actor(other, "echo").Ask<Pong>(ping, TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(ping.Number, pong.Number);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<Ping>(ping => Sender.Tell(new Pong(ping.Number)));
    }
}
