using System.Collections.Concurrent;
using ActorMlp.Cluster.Bulk;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <summary>A frame that came for a run.</summary>
/// <param name="From">The node that sent it.</param>
/// <param name="Header">What it is.</param>
/// <param name="Payload">Its bytes, to be disposed by whoever gets this.</param>
internal sealed record BulkFrame(string From, BulkHeader Header, BulkBuffer Payload);

/// <summary>Hands a process's frames to the actors of their runs; a frame of a run that is not here is dropped.</summary>
internal sealed class BulkHub : IBulkSink
{
    private readonly ConcurrentDictionary<ulong, IActorRef> runs = new();

    /// <summary>From now on an actor gets a run's frames.</summary>
    public void Register(ulong run, IActorRef actor) => runs[run] = actor;

    /// <summary>From now on nobody does.</summary>
    public void Forget(ulong run) => runs.TryRemove(run, out _);

    /// <inheritdoc/>
    public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload)
    {
        if (runs.TryGetValue(header.RunId, out IActorRef? actor))
        {
            actor.Tell(new BulkFrame(from.NodeId, header, payload), ActorRefs.NoSender);
        }
        else
        {
            payload.Dispose();
        }
    }
}
