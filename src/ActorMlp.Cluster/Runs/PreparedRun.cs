using System.Globalization;
using ActorMlp.Cluster.Bulk;
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
/// <param name="Time">The clock.</param>
internal sealed record NodeRunServices(
    ActorSystem System,
    Address ControlAddress,
    NodeHello Hello,
    BulkEndpoint Endpoint,
    BulkHub Hub,
    int Threads,
    string? DataDirectory,
    TimeProvider Time)
{
    /// <summary>The actor of a run on a node.</summary>
    public ActorSelection ActorOf(string nodeId, ulong run) => System.ActorSelection(PathOf(nodeId, run));

    /// <summary>The name of a run's actor below its node's.</summary>
    public static string NameOf(ulong run) => string.Create(CultureInfo.InvariantCulture, $"run-{run:x16}");

    private string PathOf(string nodeId, ulong run)
    {
        int colon = nodeId.LastIndexOf(':');
        Address address = ControlAddress.WithHost(nodeId[..colon]).WithPort(int.Parse(nodeId.AsSpan(colon + 1), CultureInfo.InvariantCulture));
        return $"{address}/user/node/{NameOf(run)}";
    }
}

/// <summary>A run made ready on a node: its data are there and are the right ones.</summary>
/// <param name="Problems">What is wrong, for the user; empty if nothing is.</param>
/// <param name="Data">The rows.</param>
/// <param name="Setup">The run.</param>
/// <param name="Engine">What computes.</param>
internal sealed record PreparedRun(IReadOnlyList<string> Problems, LoadedData Data, RunSetup Setup, NodeEngine Engine)
{
    /// <summary>Reads the data and compares them with what the run expects.</summary>
    /// <exception cref="DataException">They cannot be read.</exception>
    public static Task<PreparedRun> PrepareAsync(PrepareRun run, NodeRunServices node, ComputePool pool) => Task.Run(() =>
    {
        RunOptions options = RunOptionsJson.Deserialize(run.Options);
        LoadedData data = DataLoader.Load(options.Data, options.Training.Seed, new DataPaths(run.Folder, node.DataDirectory ?? Environment.CurrentDirectory));
        IReadOnlyList<string> differences = DataFingerprint.Compare(DataFingerprint.FromJson(run.Fingerprint), data.ComputeFingerprint());
        var setup = new RunSetup(options, data);
        return new PreparedRun(differences, data, setup, new NodeEngine(setup, pool));
    });
}
