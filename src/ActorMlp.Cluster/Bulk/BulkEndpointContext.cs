using ActorMlp.Cluster.Bulk.Frames;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Bulk;

/// <summary>What the sessions of an endpoint share.</summary>
/// <param name="Options">Limits and times.</param>
/// <param name="Sink">Takes frames.</param>
/// <param name="Observer">Hears of connections.</param>
/// <param name="Pool">Memory of receive buffers.</param>
/// <param name="Time">The clock.</param>
/// <param name="Log">Where it logs.</param>
/// <param name="Forget">The peer ended a session: ends it here and lets go of it.</param>
internal sealed record BulkEndpointContext(
    BulkOptions Options,
    IBulkSink Sink,
    IBulkObserver Observer,
    BulkBufferPool Pool,
    TimeProvider Time,
    ILogger Log,
    Action<BulkSession, string> Forget);
