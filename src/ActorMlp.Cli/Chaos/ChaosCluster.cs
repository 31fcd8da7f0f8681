using System.Globalization;
using System.Security.Cryptography;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Chaos;

/// <summary>Node processes on this machine that faults strike: one for each place of a fault script, from 0.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    /// <summary>The number by which links name whoever keeps the run.</summary>
    private const int Keeper = 254;

    private readonly List<NodeProcess> nodes = [];
    private readonly List<Task> later = [];
    private readonly CancellationTokenSource end = new();
    private readonly string logDirectory;
    private readonly int threads;
    private readonly string? dataDirectory;
    private readonly TimeProvider time;
    private readonly NodeNetwork? network;
    private readonly string? secretFile;
    private int starts;

    private ChaosCluster(string logDirectory, int threads, string? dataDirectory, NodeNetwork? network, string? secretFile, TimeProvider time)
    {
        this.logDirectory = logDirectory;
        this.threads = threads;
        this.dataDirectory = dataDirectory;
        this.network = network;
        this.secretFile = secretFile;
        this.time = time;
    }

    /// <summary>How whoever keeps the run talks with the nodes.</summary>
    public NodeOptions Client => new()
    {
        Listen = new NodeAddress(network?.KeeperHost ?? "127.0.0.1", 0),
        DataDirectory = Path.GetTempPath(),
        Security = secretFile is null ? NodeSecurity.LoopbackOnly : NodeSecurity.FromSecret(File.ReadAllText(secretFile).Trim()),
    };

    /// <summary>The addresses of nodes that run.</summary>
    public IReadOnlyList<string> Addresses => [.. nodes.Where(node => node.IsAlive).Select(node => node.Address)];

    /// <summary>Places whose node runs and is not stopped.</summary>
    public IReadOnlyList<int> Present => [.. Enumerable.Range(0, nodes.Count).Where(place => nodes[place] is { IsAlive: true, IsStopped: false })];

    /// <summary>Starts nodes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="threads">Compute threads of each.</param>
    /// <param name="dataDirectory">Where they look for data first.</param>
    /// <param name="logDirectory">Where they log.</param>
    /// <param name="cutsLinks">Whether they need links that can be cut.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="NodeException">They cannot be started.</exception>
    public static async Task<ChaosCluster> StartAsync(
        int count, int threads, string? dataDirectory, string logDirectory, bool cutsLinks, TimeProvider time)
    {
        NodeNetwork? network = cutsLinks ? NodeNetwork.Create() : null;
        string? secretFile = null;
        if (network is not null)
        {
            secretFile = Path.Combine(logDirectory, "secret");
            await File.WriteAllTextAsync(secretFile, Convert.ToHexString(RandomNumberGenerator.GetBytes(32))).ConfigureAwait(false);
        }

        var cluster = new ChaosCluster(logDirectory, threads, dataDirectory, network, secretFile, time);
        try
        {
            for (int place = 0; place < count; place++)
            {
                await cluster.StartNodeAsync(place).ConfigureAwait(false);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

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
                Later(TimeSpan.Zero, () => StartNodeAsync(nodes.Count));
                break;
            case FaultKind.Partition:
                Partition(fault, places);
                break;
            default:
                throw new NodeException($"{fault.Kind}: real nodes are not struck by it; simulate it");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(later).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
        network?.Dispose();
        end.Dispose();
    }

    private void Partition(Fault fault, IReadOnlyList<int> places)
    {
        // Whoever is in no group is in the first, and so is the keeper.
        List<int>[] groups = fault.Groups is { } named
            ? [[.. Enumerable.Range(0, nodes.Count).Except(named.Skip(1).SelectMany(group => group)), Keeper], .. named.Skip(1).Select(group => group.ToList())]
            : [[.. Enumerable.Range(0, nodes.Count).Except(places), Keeper], [.. places]];
        var cuts = new List<(int Node, int[] Others)>();
        foreach (List<int> group in groups.Skip(1))
        {
            int[] others = [.. groups.Where(other => other != group).SelectMany(other => other)];
            cuts.AddRange(group.Where(place => place < nodes.Count).Select(place => (place, others)));
        }

        cuts.ForEach(cut => network!.Cut(cut.Node, cut.Others));
        Later(fault.Duration!.Value, () =>
        {
            cuts.ForEach(cut => network!.Heal(cut.Node, cut.Others));
            return Task.CompletedTask;
        });
    }

    private async Task StartNodeAsync(int place)
    {
        List<string> arguments =
        [
            "--listen", network is null ? "127.0.0.1:0" : $"{network.Host(place)}:4053",
            "--threads", threads.ToString(CultureInfo.InvariantCulture),
            "--log", Path.Combine(logDirectory, string.Create(CultureInfo.InvariantCulture, $"node-{place}-{starts++}.jsonl")),
        ];
        if (Addresses is { Count: > 0 } others)
        {
            arguments.AddRange(["--join", string.Join(',', others)]);
        }

        if (secretFile is not null)
        {
            arguments.AddRange(["--secret-file", secretFile]);
        }

        if (dataDirectory is not null)
        {
            arguments.AddRange(["--data-dir", dataDirectory]);
        }

        NodeProcess started = await NodeProcess.StartAsync(network?.Enter(place) ?? [], arguments, time).ConfigureAwait(false);
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
