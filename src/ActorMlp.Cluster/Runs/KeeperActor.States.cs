using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Storage;
using Akka.Actor;
using MessagePack;

namespace ActorMlp.Cluster.Runs;

/// <content>The run's vectors, here, on the disk and on their way.</content>
internal sealed partial class KeeperActor
{
    private readonly SharedBuffers vectors;
    private readonly SortedDictionary<long, RunState> states = [];
    private readonly CheckpointWriter checkpoints;
    private readonly UpdateLogWriter updates;
    private SharedBuffer? best;

    private void Accept(BulkFrame frame)
    {
        using BulkBuffer payload = frame.Payload;
        BulkHeader header = frame.Header;
        if (header.Kind == BulkKind.Updates)
        {
            Carry(machine.Handle(new UpdatesArrived(
                header.Arrangement, MessagePackSerializer.Deserialize<UpdateRecord[]>(payload.Span.ToArray(), WireOptions.Strict))));
            return;
        }

        if (header.Kind != BulkKind.State)
        {
            return;
        }

        var part = new StateArrived(header.Arrangement, header.Step, header.Range, (int)header.Offset, payload.Floats.Length);
        if (!machine.Takes(part))
        {
            return;
        }

        if (!states.TryGetValue(part.Step, out RunState? state))
        {
            states[part.Step] = state = RunState.Awaited(options.Setup, vectors, machine.Shares);
        }

        payload.Floats.CopyTo(state.Slots[part.Vector].Span[part.Offset..]);
        Carry(machine.Handle(part));
    }

    private void Accept(BestRead message)
    {
        if (machine.Takes(message.Loaded))
        {
            best?.Release();
            best = vectors.Rent();
            message.Checkpoint.RestoreWeights(options.Setup, best.Span);
        }

        Carry(machine.Handle(message.Loaded));
    }

    private void CarryState(KeeperEffect effect)
    {
        switch (effect)
        {
            case SupplyState supply when members.TryGetValue(supply.To, out RunMember? member):
                links!.SendState(
                    member.NodeId, supply.Arrangement, supply.Step, supply.Vector, supply.Piece.Offset, states[supply.Step].Slots[supply.Vector], supply.Piece.Offset, supply.Piece.Length);
                break;
            case CreateFirstState create:
                Drop(0);
                states[0] = RunState.Initial(options.Setup, vectors, null, create.Shares);
                break;
            case DropState drop:
                Drop(drop.Step);
                break;
            case BeginLog begin:
                updates.BeginAsync(begin.Shares, begin.Step).PipeTo(Self, Self, failure: exception => new LogFailed(exception.GetBaseException().Message));
                break;
            case AppendToLog append:
                // If that fails, so does the checkpoint that follows.
                _ = updates.AppendAsync(append.Updates);
                break;
            case WriteState write:
                RunState whole = states[write.Progress.Step];
                whole.Retain();
                checkpoints.Save(write.Kind, whole.Draft(options.Setup, write.Progress), Self, updates.Written, whole.Release);
                break;
            case ReadBest read:
                checkpoints.LoadBestAsync(read.Step).PipeTo(
                    Self,
                    Self,
                    checkpoint => new BestRead(checkpoint, new BestLoaded(read.Restoration)),
                    exception => new BestMissing(read.Restoration, exception.GetBaseException().Message));
                break;
            case SendBest send when members.TryGetValue(send.To, out RunMember? worker):
                links!.SendWeights(worker.NodeId, send.Message, send.Piece, best!, send.Piece.Offset);
                break;
            case ConfirmBest confirm:
                coordinator.Tell(new BestRestored(options.Setup.Network.Layout.Sha256(states[confirm.LastStep].Slots[0].Span)));
                break;
        }
    }

    private void Drop(long step)
    {
        if (states.Remove(step, out RunState? dropped))
        {
            dropped.Release();
        }
    }

    private sealed record BestRead(Checkpoint Checkpoint, BestLoaded Loaded);
}
