using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Tests.Nodes;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Cluster;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Nodes in this process, each with an actor system and sockets of its own, on loopback.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly List<ClusterNode> nodes = [];
    private readonly List<string> folders = [];

    private TestCluster(NodeSecurity security) => Security = security;

    public NodeSecurity Security { get; }

    public TestLog Log { get; } = new();

    public IReadOnlyList<ClusterNode> Nodes => nodes;

    /// <summary>A cluster with one node for each list of roles.</summary>
    public static async Task<TestCluster> StartAsync(NodeSecurity security, params string[][] roles)
    {
        var cluster = new TestCluster(security);
        foreach (string[] of in roles)
        {
            await cluster.AddAsync(of);
        }

        return cluster;
    }

    public static Task<TestCluster> StartAsync(int nodes) =>
        StartAsync(NodeSecurity.LoopbackOnly, [.. Enumerable.Repeat(NodeRoles.All.ToArray(), nodes)]);

    /// <summary>One node more; returns when all nodes know that it is up.</summary>
    public async Task<ClusterNode> AddAsync(string[] roles, string? dataDirectory = null, string? cacheDirectory = null)
    {
        ClusterNode node = await ClusterNode.StartAsync(
            Options(roles) with { Join = nodes.Count == 0 ? [] : [nodes[0].Address.ToString()] },
            new NodeResources(Threads: 1, dataDirectory, cacheDirectory ?? folders[^1]),
            Log,
            TimeProvider.System);
        nodes.Add(node);
        await node.WaitUntilUpAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(
            () => nodes.All(one => one.Ended.IsCompleted || one.Host.Cluster.State.Members.Count(member => member.Status == MemberStatus.Up) >= nodes.Count(one => !one.Ended.IsCompleted)),
            () => string.Join('\n', Log.Lines));
        return node;
    }

    /// <summary>Trains on the cluster, in a folder of its own.</summary>
    public async Task<TrainingResult> TrainAsync(
        RunOptions options, Action<RunEvent>? watch = null, TemporaryRun? folder = null, bool resume = false, CancellationTokenSource? stop = null, RunSource? source = null)
    {
        using TemporaryRun? own = folder is null ? new TemporaryRun() : null;
        RunDirectory directory = (folder ?? own!).Directory;
        var events = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var training = new ClusterTraining(Options(NodeRoles.All.ToArray()), [nodes[^1].Address.ToString(), nodes[0].Address.ToString()], Log, TimeProvider.System);
        try
        {
            return await training.TrainAsync(
                TestRuns.Prepare(options),
                source ?? new RunSource(options, ""),
                directory,
                "test",
                resume ? directory.LoadNewestCheckpoint([]) : null,
                new Watcher(runEvent =>
                {
                    events.Enqueue(runEvent.ToString()!);
                    watch?.Invoke(runEvent);
                }),
                stop?.Token ?? CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(40), TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(string.Join('\n', [.. events.ToArray().TakeLast(6), .. Log.Lines.TakeLast(40)]));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        folders.ForEach(folder => Directory.Delete(folder, recursive: true));
    }

    private NodeOptions Options(string[] roles)
    {
        string folder = Directory.CreateTempSubdirectory("actormlp-").FullName;
        folders.Add(folder);
        return new NodeOptions
        {
            Listen = new NodeAddress("127.0.0.1", 0),
            DataDirectory = folder,
            Security = Security,
            Roles = roles,
            FailureDetection = TestNode.Quick,
        };
    }

    private sealed class Watcher(Action<RunEvent>? watch) : IProgress<RunEvent>
    {
        public void Report(RunEvent value) => watch?.Invoke(value);
    }
}
