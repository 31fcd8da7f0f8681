using System.Globalization;
using System.Security.Cryptography;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Training.Faults;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Chaos;

/// <summary>Node processes on this machine that faults strike: one for each place of a fault script, from 0.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private readonly List<NodeProcess> nodes = [];
    private readonly List<Task> later = [];
    private readonly CancellationTokenSource end = new();
    private readonly SemaphoreSlim starting = new(1, 1);
    private readonly ChaosClusterOptions options;
    private readonly TimeProvider time;
    private readonly ChaosLinks? links;
    private NodeNetwork? network;
    private SmallDisk? disk;
    private ProcessGate? keeperGate;
    private string? secretFile;
    private int starts;

    private ChaosCluster(ChaosClusterOptions options, TimeProvider time, ILogger log)
    {
        this.options = options;
        this.time = time;
        Logs = new NodeLogs(options.LogDirectory);
        links = options is { DisturbsLinks: true, InNamespaces: false } ? new ChaosLinks(options.Seed, time, log) : null;
    }

    /// <summary>What the nodes log.</summary>
    public NodeLogs Logs { get; }

    /// <summary>Done while the run's checkpoints have room, else as soon as they have.</summary>
    public Task HasRoom => disk?.HasRoom ?? Task.CompletedTask;

    /// <summary>What has passed the links; null where they are the system's own.</summary>
    public LinkTraffic? Traffic => links?.Traffic;

    /// <summary>The addresses of nodes that run.</summary>
    public IReadOnlyList<string> Addresses => [.. nodes.Where(node => node.IsAlive).Select(node => node.Address)];

    /// <summary>Places whose node runs and is not stopped.</summary>
    public IReadOnlyList<int> Present => [.. Enumerable.Range(0, nodes.Count).Where(place => nodes[place] is { IsAlive: true, IsStopped: false })];

    /// <summary>Starts nodes.</summary>
    /// <param name="options">How many, and what faults they must be open to.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Hears of links.</param>
    /// <exception cref="NodeException">They cannot be started.</exception>
    public static async Task<ChaosCluster> StartAsync(ChaosClusterOptions options, TimeProvider time, ILogger log)
    {
        var cluster = new ChaosCluster(options, time, log);
        try
        {
            await cluster.BeginAsync().ConfigureAwait(false);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>How whoever keeps the run talks with the nodes, this time.</summary>
    public async Task<NodeOptions> OpenKeeperAsync()
    {
        await CloseKeeperAsync().ConfigureAwait(false);
        keeperGate = links?.OpenGate(ChaosLinks.Keeper);
        return new NodeOptions
        {
            Listen = keeperGate is null ? new NodeAddress(network?.KeeperHost ?? "127.0.0.1", 0) : keeperGate.Listen,
            PublicHost = keeperGate is null ? null : ProcessGate.AdvertisedHost,
            BulkPort = keeperGate?.BulkPort ?? 0,
            DataDirectory = Path.GetTempPath(),
            Security = secretFile is null ? NodeSecurity.LoopbackOnly : NodeSecurity.FromSecret(File.ReadAllText(secretFile).Trim()),
        };
    }

    /// <summary>The address of the node in a place.</summary>
    public string AddressOf(int place) => nodes[place].Address;

    /// <summary>The place of the node with an address; -1 for none.</summary>
    public int PlaceOf(string address) => nodes.FindIndex(node => node.Address == address);

    /// <summary>Carries a fault out.</summary>
    /// <param name="fault">Which.</param>
    /// <param name="places">Whom it strikes.</param>
    /// <exception cref="NodeException">It cannot be carried out here.</exception>
    public void Inflict(Fault fault, IReadOnlyList<int> places)
    {
        switch (fault.Kind)
        {
            case FaultKind.Crash:
                foreach (int place in places)
                {
                    nodes[place].Crash();
                    if (fault.RestartAfter is { } after)
                    {
                        Later(after, () => StartNodeAsync(place));
                    }
                }

                break;
            case FaultKind.Stop:
                foreach (NodeProcess node in places.Select(place => nodes[place]))
                {
                    node.Stop();
                    Later(fault.Duration!.Value, () =>
                    {
                        node.Continue();
                        return Task.CompletedTask;
                    });
                }

                break;
            case FaultKind.Slow:
                foreach (NodeProcess node in places.Select(place => nodes[place]))
                {
                    node.Slow(fault.Factor!.Value);
                    if (fault.Duration is { } duration)
                    {
                        Later(duration, () =>
                        {
                            node.Slow(1);
                            return Task.CompletedTask;
                        });
                    }
                }

                break;
            case FaultKind.Leave:
                places.ToList().ForEach(place => nodes[place].Leave());
                break;
            case FaultKind.Join:
                Later(TimeSpan.Zero, () => StartNodeAsync(null));
                break;
            case FaultKind.Partition:
                Partition(fault, places);
                break;
            case FaultKind.FillDisk:
                later.Add(disk!.FillAsync(fault.Duration!.Value, time, end.Token));
                break;
            case FaultKind.Corrupt:
                links!.Corrupt(Disturbance(fault, places));
                break;
            default:
                Disturb(Disturbance(fault, places), fault.Duration!.Value);
                break;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(later).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
        await CloseKeeperAsync().ConfigureAwait(false);
        if (links is not null)
        {
            await links.DisposeAsync().ConfigureAwait(false);
        }

        network?.Dispose();
        disk?.Dispose();
        end.Dispose();
        starting.Dispose();
    }

    private static LinkFault Disturbance(Fault fault, IReadOnlyList<int> places) => new()
    {
        Strikes = (fault.Target ?? FaultTarget.All).Kind switch
        {
            FaultTargetKind.All => (_, _) => true,
            FaultTargetKind.Pair => (one, other) => places.Contains(one) && places.Contains(other),
            _ => (one, other) => places.Contains(one) || places.Contains(other),
        },
        Plane = fault.Plane,
        Delay = fault.Kind == FaultKind.Delay ? fault.By!.Value : TimeSpan.Zero,
        Loss = fault.Kind == FaultKind.Loss ? fault.Rate!.Value : 0,
        Breaks = fault.Kind is FaultKind.Duplicate or FaultKind.Reorder ? fault.Rate!.Value : 0,
    };

    private async Task BeginAsync()
    {
        disk = options.FillsDisk is { } folder ? SmallDisk.Mount(folder) : null;
        network = options is { DisturbsLinks: true, InNamespaces: true } ? NodeNetwork.Create() : null;
        if (options.DisturbsLinks)
        {
            // A wrong bit of a control message is noticed by its encryption alone.
            secretFile = Path.Combine(options.LogDirectory, "secret");
            await File.WriteAllTextAsync(secretFile, Convert.ToHexString(RandomNumberGenerator.GetBytes(32))).ConfigureAwait(false);
        }

        for (int place = 0; place < options.Count; place++)
        {
            await StartNodeAsync(place).ConfigureAwait(false);
        }
    }

    private void Disturb(LinkFault disturbance, TimeSpan duration)
    {
        links!.Begin(disturbance);
        Later(duration, () =>
        {
            links.End(disturbance);
            return Task.CompletedTask;
        });
    }

    private void Partition(Fault fault, IReadOnlyList<int> places)
    {
        // Whoever is in no group is in the first, and so is the keeper.
        IReadOnlyList<IReadOnlyList<int>> apart = fault.Groups is { } named ? [.. named.Skip(1)] : [places];
        int GroupOf(int place) => apart.TakeWhile(group => !group.Contains(place)).Count() is var group && group < apart.Count ? group : -1;
        if (links is not null)
        {
            Disturb(new LinkFault { Strikes = (one, other) => GroupOf(one) != GroupOf(other), Cuts = true }, fault.Duration!.Value);
            return;
        }

        int[] all = [.. Enumerable.Range(0, nodes.Count), ChaosLinks.Keeper];
        (int Place, int[] Others)[] cuts =
        [
            .. apart.SelectMany(group => group).Where(place => place < nodes.Count)
                .Select(place => (place, all.Where(other => GroupOf(other) != GroupOf(place)).ToArray())),
        ];
        Array.ForEach(cuts, cut => network!.Cut(cut.Place, cut.Others));
        Later(fault.Duration!.Value, () =>
        {
            Array.ForEach(cuts, cut => network!.Heal(cut.Place, cut.Others));
            return Task.CompletedTask;
        });
    }

    private ValueTask CloseKeeperAsync() => keeperGate?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Starts a node, one at a time, in its place or, where that is null, in the next free one.</summary>
    private async Task StartNodeAsync(int? wanted)
    {
        await starting.WaitAsync(end.Token).ConfigureAwait(false);
        try
        {
            await StartInAsync(wanted ?? nodes.Count).ConfigureAwait(false);
        }
        finally
        {
            starting.Release();
        }
    }

    private async Task StartInAsync(int place)
    {
        ProcessGate? gate = links?.OpenGate(place);
        List<string> arguments =
        [
            "--listen", gate?.Listen.ToString() ?? (network is null ? "127.0.0.1:0" : $"{network.Host(place)}:4053"),
            "--threads", options.Threads.ToString(CultureInfo.InvariantCulture),
            "--log", Logs.PathOf(place, starts++),
        ];
        if (gate is not null)
        {
            arguments.AddRange(["--public-host", ProcessGate.AdvertisedHost, "--bulk-port", gate.BulkPort.ToString(CultureInfo.InvariantCulture)]);
        }

        if (Addresses is { Count: > 0 } others)
        {
            arguments.AddRange(["--join", string.Join(',', others)]);
        }

        if (secretFile is not null)
        {
            arguments.AddRange(["--secret-file", secretFile]);
        }

        if (options.DataDirectory is { } data)
        {
            arguments.AddRange(["--data-dir", data]);
        }

        NodeProcess started = await NodeProcess.StartAsync(network?.Enter(place) ?? [], arguments, gate, time).ConfigureAwait(false);
        if (place < nodes.Count)
        {
            await nodes[place].DisposeAsync().ConfigureAwait(false);
            nodes[place] = started;
        }
        else
        {
            nodes.Add(started);
        }
    }

    private void Later(TimeSpan wait, Func<Task> what) => later.Add(LaterAsync(wait, what));

    private async Task LaterAsync(TimeSpan wait, Func<Task> what)
    {
        await Task.Delay(wait, time, end.Token).ConfigureAwait(false);
        await what().ConfigureAwait(false);
    }
}
