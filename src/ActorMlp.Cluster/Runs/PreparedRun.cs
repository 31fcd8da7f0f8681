using System.Globalization;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node's part in a run needs of its process.</summary>
/// <param name="System">The actor system.</param>
/// <param name="ControlAddress">Its address, whose host and port others are put in.</param>
/// <param name="Hello">Who the node is.</param>
/// <param name="Endpoint">Its end of the bulk plane.</param>
/// <param name="Hub">Where runs get their frames.</param>
/// <param name="Threads">Threads to compute with; 0 for one per core.</param>
/// <param name="DataDirectory">Where data files are looked for first; null for nowhere else than the current directory.</param>
/// <param name="CacheDirectory">Where data that are received are kept.</param>
/// <param name="Time">The clock.</param>
internal sealed record NodeRunServices(
    ActorSystem System,
    Address ControlAddress,
    NodeHello Hello,
    BulkEndpoint Endpoint,
    BulkHub Hub,
    int Threads,
    string? DataDirectory,
    string CacheDirectory,
    TimeProvider Time)
{
    /// <summary>The actor of a run on a node.</summary>
    public ActorSelection ActorOf(string nodeId, ulong run) => System.ActorSelection(PathOf(nodeId, run));

    /// <summary>Whoever keeps a run.</summary>
    public ActorSelection KeeperOf(PrepareRun run) => System.ActorSelection($"{AddressOf(run.Keeper.NodeId)}/user/run");

    /// <summary>The name of a run's actor below its node's.</summary>
    public static string NameOf(ulong run) => string.Create(CultureInfo.InvariantCulture, $"run-{run:x16}");

    private string PathOf(string nodeId, ulong run) => $"{AddressOf(nodeId)}/user/node/{NameOf(run)}";

    private Address AddressOf(string nodeId)
    {
        int colon = nodeId.LastIndexOf(':');
        return ControlAddress.WithHost(nodeId[..colon]).WithPort(int.Parse(nodeId.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }
}

/// <summary>A run made ready on a node: its data are there and are the right ones.</summary>
/// <param name="Problems">What is wrong, for the user; empty if nothing is.</param>
/// <param name="Data">The rows.</param>
/// <param name="Setup">The run.</param>
/// <param name="Engine">What computes.</param>
internal sealed record PreparedRun(IReadOnlyList<string> Problems, LoadedData Data, RunSetup Setup, NodeEngine Engine)
{
    /// <summary>Reads the data and compares them with what the run expects. Where they are offered, a cache that was received before does as well.</summary>
    /// <param name="run">The run.</param>
    /// <param name="node">The node.</param>
    /// <param name="pool">The threads that compute.</param>
    /// <param name="received">A cache that was just received; null to look for data.</param>
    /// <exception cref="DataException">They cannot be read.</exception>
    public static Task<PreparedRun> PrepareAsync(PrepareRun run, NodeRunServices node, ComputePool pool, string? received = null) => Task.Run(() =>
    {
        RunOptions options = RunOptionsJson.Deserialize(run.Options);
        string? cache = received ?? (run.Offer is { } offer ? DataReceiver.FindCache(node.CacheDirectory, offer.Sha256) : null);
        LoadedData data = cache is not null
            ? DataLoader.LoadCache(cache)
            : DataLoader.Load(options.Data, options.Training.Seed, new DataPaths(run.Folder, node.DataDirectory ?? Environment.CurrentDirectory));
        IReadOnlyList<string> differences = DataFingerprint.Compare(DataFingerprint.FromJson(run.Fingerprint), data.ComputeFingerprint());
        var setup = new RunSetup(options, data);
        return new PreparedRun(differences, data, setup, new NodeEngine(setup, pool));
    });
}
