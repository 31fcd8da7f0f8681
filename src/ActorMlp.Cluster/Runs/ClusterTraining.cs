using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A run on a cluster, seen from where it was submitted. This process keeps the run: its folder, its checkpoints, its data's fingerprint. It is no member of the
/// cluster; the nodes must be able to reach it.
/// </summary>
/// <param name="options">How this process talks with the nodes.</param>
/// <param name="contacts">Nodes to submit to, <c>host:port</c>.</param>
/// <param name="logging">Where it logs.</param>
/// <param name="time">The clock.</param>
public sealed class ClusterTraining(NodeOptions options, IReadOnlyList<string> contacts, ILoggerFactory logging, TimeProvider time)
{
    /// <summary>Trains to the end, or to the end of the step in which <paramref name="stop"/> is cancelled.</summary>
    /// <param name="setup">The run, with its data.</param>
    /// <param name="source">The run as nodes get it.</param>
    /// <param name="directory">Its folder.</param>
    /// <param name="runId">Its name.</param>
    /// <param name="resume">The checkpoint to go on from; null to start anew.</param>
    /// <param name="progress">Gets the run's events, one at a time.</param>
    /// <param name="stop">Asks the run to stop.</param>
    /// <param name="allNodesEnded">Done when it is known that no node is left that could go on with the run; null where nobody can know.</param>
    /// <exception cref="RunFailedException">The run diverged, could not write, or no coordinator took it.</exception>
    /// <exception cref="StorageException">The run is to go on from a checkpoint whose log of updates is missing, or of another run.</exception>
    /// <exception cref="RunRefusedException">The cluster does not take the run.</exception>
    /// <exception cref="NodeException">This process cannot talk with nodes.</exception>
    /// <exception cref="DataException">The data are to be sent to nodes, and the cache for that cannot be made.</exception>
    public async Task<TrainingResult> TrainAsync(
        RunSetup setup,
        RunSource source,
        RunDirectory directory,
        string runId,
        Checkpoint? resume,
        IProgress<RunEvent> progress,
        CancellationToken stop,
        Task? allNodesEnded = null)
    {
        long began = time.GetTimestamp();
        int? shares = resume is null || setup.Shape.Sharing is null ? null : UpdateLog.CheckResumable(directory.Updates, setup, null, resume.Progress.Step);
        string fingerprint = setup.Data.ComputeFingerprint().ToJson();
        using DataCacheFile? data = setup.Options.Data.Distribution == DataDistribution.Stream
            ? DataCacheStore.OpenFile(setup.Data, setup.Options.Data, setup.Options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null))
            : null;
        var end = new TaskCompletionSource<KeptRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        NodeOptions client = options with { Member = false, Join = [] };
        NodeHost host = await NodeHost.StartAsync(client, logging, time, akka => akka.WithActors((system, _) =>
        {
            Address self = AkkaCluster.Get(system).SelfAddress;
            var id = new NodeAddress(self.Host, self.Port ?? 0);
            var hub = new BulkHub();
            system.ActorOf(
                Props.Create(() => new KeeperHostActor(
                    (sink, owner) => BulkPlaneActor.Props(
                        new BulkOptions { NodeId = id.ToString(), Security = client.Security.Bulk },
                        ClusterNode.ListenAt(client),
                        sink,
                        time,
                        logging.CreateLogger("ActorMlp.Bulk"),
                        owner),
                    hub,
                    endpoint => KeeperActor.Props(
                        new KeeperOptions(
                            setup,
                            source,
                            runId,
                            directory,
                            fingerprint,
                            contacts,
                            ClusterNode.Describe(client, id, endpoint),
                            endpoint,
                            hub,
                            node => system.ActorSelection($"{AddressOf(self, node)}/user/node"),
                            progress,
                            data,
                            shares),
                        resume,
                        end),
                    end)),
                "run");
        })).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            await using CancellationTokenRegistration registration = stop.Register(
                () => host.System.ActorSelection("/user/run").Tell(new StopRequested()));
            if (allNodesEnded is not null && await Task.WhenAny(end.Task, allNodesEnded).ConfigureAwait(false) == allNodesEnded)
            {
                // Nobody will answer: to look for another coordinator would only take time.
                end.TrySetException(new RunFailedException("every node of the run has ended"));
            }

            KeptRun kept = await end.Task.ConfigureAwait(false);
            string weights = setup.Network.Layout.Sha256(kept.Parameters);
            return new TrainingResult(
                RunSummaries.Of(setup, runId, kept.Conclusion, RunParty.Of(kept.Nodes), kept.Nodes, weights, time.GetElapsedTime(began)),
                kept.Conclusion,
                kept.Parameters);
        }
    }

    /// <summary>The name of the node at an address.</summary>
    internal static string IdOf(Address address) => new NodeAddress(address.Host, address.Port ?? 0).ToString();

    /// <summary>The address of a node's actor system.</summary>
    internal static Address AddressOf(Address self, string node) => NodeAddress.TryParse(node, out NodeAddress address)
        ? self.WithHost(address.Host).WithPort(address.Port)
        : throw new NodeException($"'{node}' is no node; expected host:port");
}
