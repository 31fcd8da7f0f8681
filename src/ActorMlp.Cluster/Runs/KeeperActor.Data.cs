using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data.Cache;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <content>Data for nodes that have none.</content>
internal sealed partial class KeeperActor
{
    private readonly Dictionary<IActorRef, CancellationTokenSource> transfers = [];
    private CancellationTokenSource sending = new();

    private void SendData(DataWanted message)
    {
        log.Info("{0} gets the data from here", message.Node.NodeId);
        links!.Connect(message.Node.NodeId, message.Node.BulkAddress);
        IActorRef node = Sender;
        EndTransfer(node);
        CancellationTokenSource transfer = transfers[node] = CancellationTokenSource.CreateLinkedTokenSource(sending.Token);
        Context.Watch(node);
        new DataSender(options.Data!, options.Endpoint.Send)
            .SendAsync(message.Node.NodeId, run, [new ByteRange(0, options.Data!.Length)], transfer.Token)
            .PipeTo(Self, Self, () => new DataSent(node, null), exception => new DataSent(node, exception.GetBaseException() switch
            {
                OperationCanceledException => "it is gone, or the run was submitted anew",
                { } cause => cause.Message,
            }));
    }

    private void Accept(DataSent message)
    {
        EndTransfer(message.Node);
        if (message.Failure is { } reason)
        {
            log.Warning("the data were not sent to {0}: {1}", message.Node, reason);
            message.Node.Tell(new DataNotSent(run, reason));
        }
    }

    /// <summary>A node is gone: its frames would wait for a connection as long as the run lasts.</summary>
    private void StopTransfer(IActorRef node)
    {
        if (transfers.TryGetValue(node, out CancellationTokenSource? transfer))
        {
            transfer.Cancel();
        }
    }

    private void EndTransfer(IActorRef node)
    {
        if (transfers.Remove(node, out CancellationTokenSource? transfer))
        {
            Context.Unwatch(node);
            transfer.Cancel();
            transfer.Dispose();
        }
    }

    private sealed record DataSent(IActorRef Node, string? Failure);
}
