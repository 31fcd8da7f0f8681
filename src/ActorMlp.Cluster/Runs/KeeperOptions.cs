using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data.Cache;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a keeper works with.</summary>
/// <param name="Setup">The run.</param>
/// <param name="Source">The run as nodes get it.</param>
/// <param name="RunId">Its name.</param>
/// <param name="Directory">Its folder.</param>
/// <param name="Fingerprint">Its data in hashes, as JSON.</param>
/// <param name="Contacts">Nodes to submit it to.</param>
/// <param name="Hello">Who keeps it.</param>
/// <param name="Endpoint">The process's end of the bulk plane.</param>
/// <param name="Hub">Where frames come in.</param>
/// <param name="NodeAt">A node's agent.</param>
/// <param name="Observer">Hears of the run.</param>
/// <param name="Data">The data as a cache that nodes may ask for; null where they have data files of their own.</param>
/// <param name="Shares">Workers that a run that is made of shares was begun with; null for one that begins, and for others.</param>
internal sealed record KeeperOptions(
    RunSetup Setup,
    RunSource Source,
    string RunId,
    RunDirectory Directory,
    string Fingerprint,
    IReadOnlyList<string> Contacts,
    NodeHello Hello,
    BulkEndpoint Endpoint,
    BulkHub Hub,
    Func<string, ActorSelection> NodeAt,
    IProgress<RunEvent> Observer,
    DataCacheFile? Data,
    int? Shares = null);

/// <summary>What the keeper of a run ends with.</summary>
/// <param name="Conclusion">How the run ended.</param>
/// <param name="Parameters">The weights that stand.</param>
/// <param name="Nodes">What each node did.</param>
internal sealed record KeptRun(RunConclusion Conclusion, float[] Parameters, IReadOnlyList<NodeReport> Nodes);
