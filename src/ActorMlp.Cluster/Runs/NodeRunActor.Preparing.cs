using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <content>Before the node takes part: its data are read, or received, and compared.</content>
internal sealed partial class NodeRunActor
{
    private static readonly TimeSpan TransferPatience = TimeSpan.FromMinutes(1);

    private DataReceiver? receiver;

    private void Preparing()
    {
        Receive<PreparedRun>(message =>
        {
            if (message.Problems.Count > 0)
            {
                message.Data.Dispose();
                ReceiveDataOrRefuse(message.Problems);
                return;
            }

            receiver?.Dispose();
            prepared = message;
            links.Connect(run.Keeper.NodeId, run.Keeper.BulkAddress);
            TakePart(message);
            TellPrepared();
        });
        Receive<Status.Failure>(failure => ReceiveDataOrRefuse(
            [failure.Cause.GetBaseException().Message + (run.Offer is null ? "; data.distribution: stream would send the data to this node" : "")]));
        Receive<ReceiveTimeout>(_ => Refuse(
            [$"no data came from {run.Keeper.NodeId} for {TransferPatience.TotalSeconds:0} s; can its bulk address {run.Keeper.BulkAddress} and {node.Hello.BulkAddress} reach each other?"]));
        Receive<DataNotSent>(message => message.Run == run.Run, message => Refuse([message.Reason]));
        Receive<DataReceived>(message => PreparedRun.PrepareAsync(run, node, pool, message.Path).PipeTo(Self, Self));
        Receive<EndRun>(FromCoordinator, _ => Context.Stop(Self));
        Receive<PrepareRun>(_ =>
        {
            // Asked again: the answer comes when it is known.
        });
        Receive<Terminated>(_ => WaitForCoordinator());
        Receive<OrphanedForLong>(_ => Context.Stop(Self));
        Receive<ResumeRun>(_ =>
        {
            Follow(Sender);
            Sender.Tell(new NodeStanding(run.Number, node.Hello, pool.Threads, View.None, -1, IsReady: false, IsPrepared: false, HasWeights: false, [], []));
        });
        Receive<BulkFrame>(frame =>
        {
            using BulkBuffer payload = frame.Payload;
            receiver?.Accept(frame.Header, payload.Span);
            if (receiver?.Missing.Count == 0)
            {
                // What follows, to hash the whole, takes as long as it takes.
                Context.SetReceiveTimeout(null);
            }
        });
    }

    private void TakePart(PreparedRun message)
    {
        if (message.Setup.Shape.Sharing is not null)
        {
            PrepareShares();
            return;
        }

        worker = new WorkerMachine(self, message.Setup.Shape.LargestSubtreeLevel, new VerificationPlan(message.Setup.Shape));
        server = new ParameterServerMachine(message.Setup.Shape, run.Number);
        if (message.Setup.Shape.StragglerFactor > 0)
        {
            Timers.StartPeriodicTimer("lateness", new LatenessDue(), message.Setup.Shape.LateAfter / 3);
        }

        Become(TakingPart);
    }

    /// <summary>Without data of its own the node asks the keeper for them, once, if it offers them.</summary>
    private void ReceiveDataOrRefuse(IReadOnlyList<string> problems)
    {
        if (run.Offer is not { } offer || receiver is not null)
        {
            Refuse(problems);
            return;
        }

        try
        {
            log.Info("the data are not here ({0}): the keeper sends them, {1} bytes", string.Join("; ", problems), offer.Length);
            receiver = new DataReceiver(new DataCacheAssembly(node.CacheDirectory, offer.Length, offer.Sha256), run.Run);
            receiver.Completion.PipeTo(Self, Self, path => new DataReceived(path));
            links.Connect(run.Keeper.NodeId, run.Keeper.BulkAddress);
            node.KeeperOf(run).Tell(new DataWanted(run.Run, node.Hello), Self);
            Context.SetReceiveTimeout(TransferPatience);
        }
        catch (DataException exception)
        {
            Refuse([exception.Message]);
        }
    }

    private void Refuse(IReadOnlyList<string> reasons)
    {
        coordinator.Tell(new NodeRefused(run.Number, node.Hello.NodeId, reasons));
        Context.Stop(Self);
    }

    /// <summary>The data are here.</summary>
    private sealed record DataReceived(string Path);
}
