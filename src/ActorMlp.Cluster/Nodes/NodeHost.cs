using System.Net.Sockets;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Akka.Remote.Transport.DotNetty;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Nodes;

/// <summary>A node: an actor system that is a member of a cluster, from <see cref="StartAsync"/> until it leaves or the cluster removes it.</summary>
public sealed class NodeHost : IAsyncDisposable
{
    /// <summary>The actor system's name, a part of every address; nodes of another name never meet.</summary>
    public const string SystemName = "actormlp";

    private static readonly TimeSpan LookUpAgainAfter = TimeSpan.FromSeconds(2);

    private readonly IHost host;
    private readonly NodeOptions options;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stopped = new();
    private readonly TaskCompletionSource up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task joining;
    private Task? leaving;

    private NodeHost(IHost host, NodeOptions options, TimeProvider time)
    {
        this.host = host;
        this.options = options;
        this.time = time;
        System = host.Services.GetRequiredService<ActorSystem>();
        Cluster = AkkaCluster.Get(System);
        Address = new NodeAddress(Cluster.SelfAddress.Host, Cluster.SelfAddress.Port ?? 0);
        Cluster.RegisterOnMemberUp(() => up.TrySetResult());
        Ended = EndAsync();
        joining = options.Member ? JoinAsync(stopped.Token) : Task.CompletedTask;
    }

    /// <summary>The node's actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>The node's view of the cluster.</summary>
    public AkkaCluster Cluster { get; }

    /// <summary>The public address, with the port that the node listens on.</summary>
    public NodeAddress Address { get; }

    /// <summary>Ends with the node, and tells why it ended.</summary>
    public Task<NodeEnd> Ended { get; }

    /// <summary>Starts a node and lets it join; <see cref="WaitUntilUpAsync"/> waits until it has.</summary>
    /// <param name="options">The node.</param>
    /// <param name="logging">Where actors log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="configure">Adds actors and settings; null for none.</param>
    /// <exception cref="NodeException">The options are wrong (each problem on a line), or the node cannot listen.</exception>
    public static async Task<NodeHost> StartAsync(
        NodeOptions options, ILoggerFactory logging, TimeProvider time, Action<AkkaConfigurationBuilder>? configure = null)
    {
        IReadOnlyList<string> problems = NodeOptionsValidator.Validate(options);
        if (problems.Count > 0)
        {
            throw new NodeException(string.Join(Environment.NewLine, problems));
        }

        IHost host = Build(options, logging, configure);
        try
        {
            Directory.CreateDirectory(options.DataDirectory);

            // Made here, not by the hosted service: that one prints what it cannot start.
            host.Services.GetRequiredService<ActorSystem>();
            await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
            return new NodeHost(host, options, time);
        }
        catch (Exception exception)
        {
            host.Dispose();
            throw new NodeException($"the node cannot start at {options.Listen}: {RootCause(exception).Message}", exception);
        }
    }

    /// <summary>Waits until the cluster has taken the node in.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="NodeException">The node ended before.</exception>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    public async Task WaitUntilUpAsync(CancellationToken cancellation)
    {
        await Task.WhenAny(up.Task, Ended).WaitAsync(cancellation).ConfigureAwait(false);
        if (!up.Task.IsCompleted)
        {
            throw new NodeException($"the node at {Address} ended before the cluster took it in");
        }
    }

    /// <summary>Leaves the cluster in order, and ends.</summary>
    public Task LeaveAsync() => leaving ??= StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await LeaveAsync().ConfigureAwait(false);

    private static IHost Build(NodeOptions options, ILoggerFactory logging, Action<AkkaConfigurationBuilder>? configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(logging);
        builder.Services.AddSingleton<IHostLifetime, DetachedLifetime>();
        builder.Services.AddAkka(SystemName, akka =>
        {
            akka.AddHocon(NodeSettings.Hocon(options), HoconAddMode.Prepend)
                .WithCustomSerializer("actormlp", WireMessages.All.Select(message => message.Type), system => new ControlSerializer(system))
                .ConfigureLoggers(loggers =>
                {
                    loggers.ClearLoggers();
                    loggers.AddLoggerFactory(logging);
                    loggers.LogLevel = Akka.Event.LogLevel.InfoLevel;
                });
            if (options.Security.Certificate is { } certificate)
            {
                akka.AddSetup(new DotNettySslSetup(
                    certificate, suppressValidation: false, requireMutualAuthentication: true, Validator(options.Security)));
            }

            configure?.Invoke(akka);
        });
        return builder.Build();
    }

    /// <summary>What the socket said, where it is a socket that failed; Akka wraps it several times.</summary>
    private static Exception RootCause(Exception exception)
    {
        Exception cause = exception;
        while (cause is not SocketException && (cause.InnerException ?? (cause as AggregateException)?.InnerExceptions.FirstOrDefault()) is { } inner)
        {
            cause = inner;
        }

        return cause;
    }

    private static CertificateValidationCallback Validator(NodeSecurity security) => (peer, _, remote, errors, log) =>
    {
        string? problem = security.Problem(peer, errors);
        if (problem is not null)
        {
            log.Warning("refused a connection with {0}: {1}", remote, problem);
        }

        return problem is null;
    };

    /// <summary>Asks the nodes to join until one takes this node in. Names are looked up again meanwhile: nodes behind them come and go.</summary>
    private async Task JoinAsync(CancellationToken cancellation)
    {
        if (options.Join.Count == 0)
        {
            Cluster.Join(Cluster.SelfAddress);
            return;
        }

        var discovery = new SeedDiscovery(
            [.. options.Join.Select(JoinTarget.Parse)], Address, options.RequiredContacts, SeedDiscovery.ResolveAsync);
        IReadOnlyList<NodeAddress> asked = [];
        while (!up.Task.IsCompleted && !cancellation.IsCancellationRequested)
        {
            IReadOnlyList<NodeAddress> found = await discovery.FindAsync(cancellation).ConfigureAwait(false);
            if (found.Count > 0 && !found.SequenceEqual(asked))
            {
                Cluster.JoinSeedNodes(found.Select(node => Cluster.SelfAddress.WithHost(node.Host).WithPort(node.Port)));
                asked = found;
            }

            if (!discovery.UsesNames)
            {
                return;
            }

            await Task.WhenAny(up.Task, Task.Delay(LookUpAgainAfter, time, cancellation)).ConfigureAwait(false);
        }
    }

    private async Task<NodeEnd> EndAsync()
    {
        await System.WhenTerminated.ConfigureAwait(false);
        await stopped.CancelAsync().ConfigureAwait(false);
        return CoordinatedShutdown.Get(System).ShutdownReason is CoordinatedShutdown.ClusterDowningReason ? NodeEnd.Removed : NodeEnd.Left;
    }

    private async Task StopAsync()
    {
        await stopped.CancelAsync().ConfigureAwait(false);
        await joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        await Ended.ConfigureAwait(false);
        host.Dispose();
        stopped.Dispose();
    }

    /// <summary>Leaves the process's signals to whoever runs the node.</summary>
    private sealed class DetachedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>How a node ended.</summary>
public enum NodeEnd
{
    /// <summary>It left, or was stopped.</summary>
    Left,

    /// <summary>The cluster removed it: it was silent for too long, or on the smaller side of a split.</summary>
    Removed,
}
