using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Cluster.Wire;

/// <summary>Train this (from whoever keeps the run, by way of any node, to the coordinator).</summary>
/// <param name="Run">The run's number on the bulk plane.</param>
/// <param name="RunId">The run's name.</param>
/// <param name="Options">The run file, as JSON.</param>
/// <param name="Facts">What the data say.</param>
/// <param name="Fingerprint">The data in hashes, as JSON.</param>
/// <param name="Progress">Where the run stands.</param>
/// <param name="Keeper">Who keeps it.</param>
/// <param name="Folder">The run file's folder, where nodes look for data files last.</param>
/// <param name="Offer">The data cache that whoever keeps the run sends to nodes that lack the data; null for none.</param>
/// <param name="Newest">
/// For a run that is under way and whose coordinator was lost: the newest progress that whoever keeps it was told, perhaps newer than the checkpoint that
/// <paramref name="Progress"/> is of. Null for a run that begins, or goes on from its checkpoint.
/// </param>
/// <param name="Shares">Workers that a run that is made of shares was begun with; null for one that begins, and for others.</param>
/// <param name="LastView">The newest view that whoever keeps it has heard of, from whichever coordinator; 0 for none.</param>
[MessagePackObject]
public sealed record SubmitRun(
    [property: Key(0)] ulong Run,
    [property: Key(1)] string RunId,
    [property: Key(2)] string Options,
    [property: Key(3)] RunFacts Facts,
    [property: Key(4)] string Fingerprint,
    [property: Key(5)] RunProgress Progress,
    [property: Key(6)] NodeHello Keeper,
    [property: Key(7)] string Folder,
    [property: Key(8)] DataOffer? Offer,
    [property: Key(9)] RunProgress? Newest,
    [property: Key(10)] int? Shares,
    [property: Key(11)] int LastView);

/// <summary>A data cache that may be asked for.</summary>
/// <param name="Sha256">SHA-256 of the whole file.</param>
/// <param name="Length">Its bytes.</param>
[MessagePackObject]
public sealed record DataOffer([property: Key(0)] string Sha256, [property: Key(1)] long Length);

/// <summary>A node lacks the data: send the cache that was offered (to whoever keeps the run).</summary>
/// <param name="Run">The run.</param>
/// <param name="Node">Who asks.</param>
[MessagePackObject]
public sealed record DataWanted([property: Key(0)] ulong Run, [property: Key(1)] NodeHello Node);

/// <summary>The data cache cannot be sent (to the node that asked for it).</summary>
/// <param name="Run">The run.</param>
/// <param name="Reason">Why, for the user.</param>
[MessagePackObject]
public sealed record DataNotSent([property: Key(0)] ulong Run, [property: Key(1)] string Reason);

/// <summary>Make ready for a run (from the coordinator to a node).</summary>
/// <param name="Run">The run.</param>
/// <param name="Number">The node's number within it.</param>
/// <param name="Options">The run file, as JSON.</param>
/// <param name="Fingerprint">The data in hashes, as JSON.</param>
/// <param name="Keeper">Who keeps the run.</param>
/// <param name="Folder">The run file's folder, where data files are looked for last.</param>
/// <param name="Offer">The data cache that the keeper sends to nodes that lack the data; null for none.</param>
[MessagePackObject]
public sealed record PrepareRun(
    [property: Key(0)] ulong Run,
    [property: Key(1)] int Number,
    [property: Key(2)] string Options,
    [property: Key(3)] string Fingerprint,
    [property: Key(4)] NodeHello Keeper,
    [property: Key(5)] string Folder,
    [property: Key(6)] DataOffer? Offer);

/// <summary>A node is ready (to the coordinator).</summary>
/// <param name="Number">Its number within the run.</param>
/// <param name="Node">Who it is.</param>
/// <param name="Threads">Threads that it computes with.</param>
[MessagePackObject]
public sealed record NodePrepared(
    [property: Key(0)] int Number, [property: Key(1)] NodeHello Node, [property: Key(2)] int Threads);

/// <summary>A node cannot take part (to the coordinator).</summary>
/// <param name="Number">Its number within the run.</param>
/// <param name="NodeId">Which node.</param>
/// <param name="Reasons">Why, for the user.</param>
[MessagePackObject]
public sealed record NodeRefused(
    [property: Key(0)] int Number, [property: Key(1)] string NodeId, [property: Key(2)] IReadOnlyList<string> Reasons);

/// <summary>What do you know of a run whose coordinator is gone? (From the next coordinator to a node; it answers <see cref="NodeStanding"/> or <see cref="NoSuchRun"/>.)</summary>
/// <param name="Run">The run.</param>
/// <param name="FromStep">Commits before this step are known.</param>
/// <param name="LastView">Views up to this one are known.</param>
[MessagePackObject]
public sealed record ResumeRun([property: Key(0)] ulong Run, [property: Key(1)] long FromStep, [property: Key(2)] int LastView);

/// <summary>A node takes no part in a run (to the coordinator).</summary>
/// <param name="Run">The run.</param>
/// <param name="NodeId">Which node.</param>
[MessagePackObject]
public sealed record NoSuchRun([property: Key(0)] ulong Run, [property: Key(1)] string NodeId);

/// <summary>Some of the steps that a node knows to be committed (to the coordinator that takes a run over, before <see cref="NodeStanding"/>).</summary>
/// <param name="Number">The node's number within the run.</param>
/// <param name="Commits">Steps, ascending.</param>
[MessagePackObject]
public sealed record CommitsTold([property: Key(0)] int Number, [property: Key(1)] IReadOnlyList<StepCommitted> Commits);

/// <summary>What a node knows of a run (to the coordinator that takes it over).</summary>
/// <param name="Number">The node's number within the run.</param>
/// <param name="Node">Who it is.</param>
/// <param name="Threads">Threads that it computes with.</param>
/// <param name="View">The newest view; number 0 for none.</param>
/// <param name="Continued">The last step at which the coordinator let the run go on; -1 for none.</param>
/// <param name="IsReady">Whether its parameter server has its range.</param>
/// <param name="IsPrepared">Whether it is ready for views; else it will say <see cref="NodePrepared"/>.</param>
/// <param name="HasWeights">Whether it has had all weights of any step of which something may be missing; a worker that joined during the step in flight, or the one before, has not.</param>
/// <param name="Epochs">Where the run stood at the ends of epochs since the last checkpoint that the coordinator knew of, with their figures, ascending.</param>
/// <param name="Views">Views that its parameter server has heard of in the arrangement that stands, of those that were asked for.</param>
[MessagePackObject]
public sealed record NodeStanding(
    [property: Key(0)] int Number,
    [property: Key(1)] NodeHello Node,
    [property: Key(2)] int Threads,
    [property: Key(3)] View View,
    [property: Key(4)] long Continued,
    [property: Key(5)] bool IsReady,
    [property: Key(6)] bool IsPrepared,
    [property: Key(7)] bool HasWeights,
    [property: Key(8)] IReadOnlyList<RunProgress> Epochs,
    [property: Key(9)] IReadOnlyList<View> Views);

/// <summary>A node's process is gone, as its system says: membership need not be waited for (from any node to the coordinator).</summary>
/// <param name="NodeId">Which node.</param>
/// <param name="Uid">Which life of it: a process that came in its place has another.</param>
[MessagePackObject]
public sealed record ProcessGone([property: Key(0)] string NodeId, [property: Key(1)] int Uid);

/// <summary>A node of a run.</summary>
/// <param name="Number">Its number within the run; its worker and its parameter server have the same.</param>
/// <param name="NodeId">Its control address, <c>host:port</c>.</param>
/// <param name="BulkAddress">Where it listens for bulk connections.</param>
/// <param name="Kernel">The instruction set of its kernels.</param>
/// <param name="Threads">Threads that it computes with.</param>
[MessagePackObject]
public sealed record RunMember(
    [property: Key(0)] int Number,
    [property: Key(1)] string NodeId,
    [property: Key(2)] string BulkAddress,
    [property: Key(3)] string Kernel,
    [property: Key(4)] int Threads);

/// <summary>Who is in the run (from the coordinator, before each view).</summary>
/// <param name="Members">Every node that views may name.</param>
[MessagePackObject]
public sealed record MembersPublished([property: Key(0)] IReadOnlyList<RunMember> Members);

/// <summary>A node may leave: nothing depends on it.</summary>
/// <param name="NodeId">Which.</param>
[MessagePackObject]
public sealed record NodeReleased([property: Key(0)] string NodeId);

/// <summary>A node wants to leave the cluster in order (to the coordinator).</summary>
/// <param name="NodeId">Which.</param>
[MessagePackObject]
public sealed record NodeWantsToLeave([property: Key(0)] string NodeId);

/// <summary>Leave the cluster in order (to a node; it answers <see cref="NodeReleased"/>).</summary>
[MessagePackObject]
public sealed record LeaveCluster;

/// <summary>The run is over; a node tells what it did, and forgets it.</summary>
[MessagePackObject]
public sealed record EndRun;

/// <summary>What a node did in a run (to the coordinator, at its end).</summary>
/// <param name="Number">Its number within the run.</param>
/// <param name="NodeId">Which node.</param>
/// <param name="Kernel">The instruction set of its kernels.</param>
/// <param name="Threads">Threads that it computed with.</param>
/// <param name="Steps">Steps that it took part in.</param>
/// <param name="GradientBytes">Bytes of gradients it sent to other nodes, frame heads included.</param>
/// <param name="WeightBytes">Bytes of weights it sent to other nodes, frame heads included.</param>
[MessagePackObject]
public sealed record NodeReport(
    [property: Key(0)] int Number,
    [property: Key(1)] string NodeId,
    [property: Key(2)] string Kernel,
    [property: Key(3)] int Threads,
    [property: Key(4)] long Steps,
    [property: Key(5)] long GradientBytes,
    [property: Key(6)] long WeightBytes);

/// <summary>How a run ended (to whoever keeps it).</summary>
/// <param name="Conclusion">How.</param>
/// <param name="Nodes">What each node did.</param>
[MessagePackObject]
public sealed record RunConcluded(
    [property: Key(0)] RunConclusion Conclusion, [property: Key(1)] IReadOnlyList<NodeReport> Nodes);

/// <summary>Asks for a <see cref="ClusterStatus"/> (to any node).</summary>
[MessagePackObject]
public sealed record AskStatus;

/// <summary>The cluster and what it trains.</summary>
/// <param name="Nodes">Its nodes.</param>
/// <param name="RunId">The run's name; null for none.</param>
/// <param name="View">Number of the view that stands.</param>
/// <param name="Step">Steps committed.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="SamplesPerSecond">Rows trained per second of late.</param>
[MessagePackObject]
public sealed record ClusterStatus(
    [property: Key(0)] IReadOnlyList<NodeStatus> Nodes,
    [property: Key(1)] string? RunId,
    [property: Key(2)] int View,
    [property: Key(3)] long Step,
    [property: Key(4)] long TotalSteps,
    [property: Key(5)] double SamplesPerSecond);

/// <summary>A node of the cluster.</summary>
/// <param name="NodeId">Its control address.</param>
/// <param name="Status">Its membership.</param>
/// <param name="Roles">Its roles.</param>
/// <param name="Coordinates">Whether the coordinator is there.</param>
/// <param name="FirstShard">First of its shards; -1 for none.</param>
/// <param name="Shards">Number of its shards.</param>
/// <param name="Parameters">Floats of the parameter vector that it holds.</param>
/// <param name="ShardsPerSecond">Shards it computes in a second of computing, measured; 0 if unknown.</param>
[MessagePackObject]
public sealed record NodeStatus(
    [property: Key(0)] string NodeId,
    [property: Key(1)] string Status,
    [property: Key(2)] IReadOnlyList<string> Roles,
    [property: Key(3)] bool Coordinates,
    [property: Key(4)] int FirstShard,
    [property: Key(5)] int Shards,
    [property: Key(6)] int Parameters,
    [property: Key(7)] double ShardsPerSecond);
