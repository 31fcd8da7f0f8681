using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data.Cache;
using ActorMlp.Engine.Numerics;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node computes with.</summary>
/// <param name="Threads">Threads; 0 for one per core.</param>
/// <param name="DataDirectory">Where data files are looked for first; null for nowhere else than the current directory.</param>
/// <param name="CacheDirectory">Where data that are received are kept; null for <see cref="DataCacheStore.DefaultDirectory"/>.</param>
public sealed record NodeResources(int Threads = 0, string? DataDirectory = null, string? CacheDirectory = null);

/// <summary>A node that takes part in runs: a member of the cluster with its bulk plane, its agent and, perhaps, the coordinator.</summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private readonly NodeHost host;
    private readonly ConcurrentDictionary<string, bool> met;

    private ClusterNode(NodeHost host, NodeHello hello, ConcurrentDictionary<string, bool> met)
    {
        this.host = host;
        this.met = met;
        Hello = hello;
    }

    /// <summary>The other nodes that have been in the cluster while this one was, <c>host:port</c>.</summary>
    public IReadOnlyList<string> Met => [.. met.Keys.Where(node => node != Hello.NodeId).Order(StringComparer.Ordinal)];

    /// <summary>Who the node is.</summary>
    public NodeHello Hello { get; }

    /// <summary>Its public control address.</summary>
    public NodeAddress Address => host.Address;

    /// <summary>Ends with the node, and tells why it ended.</summary>
    public Task<NodeEnd> Ended => host.Ended;

    /// <summary>The host of its actor system.</summary>
    public NodeHost Host => host;

    /// <summary>Starts a node and lets it join.</summary>
    /// <param name="options">The node.</param>
    /// <param name="resources">What it computes with.</param>
    /// <param name="logging">Where it logs.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="NodeException">The options are wrong (each problem on a line), or the node cannot listen.</exception>
    public static async Task<ClusterNode> StartAsync(NodeOptions options, NodeResources resources, ILoggerFactory logging, TimeProvider time)
    {
        var ready = new TaskCompletionSource<NodeHello>(TaskCreationOptions.RunContinuationsAsynchronously);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var met = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        var singleton = new ClusterSingletonOptions { Role = NodeRoles.Coordinator };
        NodeHost host = await NodeHost.StartAsync(options, logging, time, akka =>
        {
            if (options.Roles.Contains(NodeRoles.Coordinator))
            {
                akka.WithSingleton<ClusterCoordinatorActor>("coordinator", ClusterCoordinatorActor.Props(time), singleton);
            }
            else
            {
                akka.WithSingletonProxy<ClusterCoordinatorActor>("coordinator", singleton);
            }

            akka.WithActors((system, registry) =>
            {
                Address self = AkkaCluster.Get(system).SelfAddress;
                var id = new NodeAddress(self.Host, self.Port ?? 0);
                var agent = new NodeAgentOptions(
                    endpoint => Describe(options, id, endpoint),
                    (sink, client) => BulkPlaneActor.Props(
                        new BulkOptions { NodeId = id.ToString(), Security = options.Security.Bulk },
                        ListenAt(options),
                        sink,
                        time,
                        logging.CreateLogger("ActorMlp.Bulk"),
                        client),
                    (hello, endpoint, hub) => new NodeRunServices(
                        system, self, hello, endpoint, hub, resources.Threads, resources.DataDirectory, Path.GetFullPath(resources.CacheDirectory ?? DataCacheStore.DefaultDirectory), time),
                    () => leave.TrySetResult(),
                    other => met.TryAdd(other, true));
                system.ActorOf(
                    Props.Create(() => new NodeAgentActor(agent, registry.Get<ClusterCoordinatorActor>(), ready)), "node");
            });
        }).ConfigureAwait(false);
        try
        {
            var node = new ClusterNode(host, await ready.Task.ConfigureAwait(false), met);
            _ = node.LeaveWhenFreeAsync(leave.Task);
            return node;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw new NodeException($"the node cannot listen for bulk connections at {options.Listen.Host}:{options.BulkPort}: {exception.Message}", exception);
        }
    }

    /// <summary>Waits until the cluster has taken the node in.</summary>
    /// <exception cref="NodeException">The node ended before.</exception>
    public Task WaitUntilUpAsync(CancellationToken cancellation) => host.WaitUntilUpAsync(cancellation);

    /// <summary>Leaves in order: hands over what the node has in a run, then leaves the cluster.</summary>
    public Task LeaveAsync()
    {
        host.System.ActorSelection("/user/node").Tell(new LeaveCluster());
        return host.Ended;
    }

    /// <summary>Leaves the cluster at once; a run that it takes part in loses it.</summary>
    public async ValueTask DisposeAsync() => await host.DisposeAsync().ConfigureAwait(false);

    internal static NodeHello Describe(NodeOptions options, NodeAddress id, BulkEndpoint endpoint) => new(
        id.ToString(),
        new NodeAddress(options.AdvertisedHost, endpoint.Address.Port).ToString(),
        KernelSelection.Name,
        Environment.ProcessorCount,
        options.Roles,
        typeof(ClusterNode).Assembly.GetName().Version?.ToString(3) ?? "0.0.0");

    internal static IPEndPoint ListenAt(NodeOptions options)
    {
        if (IPAddress.TryParse(options.Listen.Host, out IPAddress? address))
        {
            return new IPEndPoint(address, options.BulkPort);
        }

        IPAddress[] found = Dns.GetHostAddresses(options.Listen.Host, AddressFamily.InterNetwork);
        return found.Length > 0
            ? new IPEndPoint(found[0], options.BulkPort)
            : throw new NodeException($"listen: {options.Listen.Host} has no IPv4 address");
    }

    private async Task LeaveWhenFreeAsync(Task free)
    {
        await Task.WhenAny(free, host.Ended).ConfigureAwait(false);
        await host.LeaveAsync().ConfigureAwait(false);
    }
}
