using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Runs;

/// <content>State for checkpoints: of the node's own range, and copies of the one that it stands by for.</content>
internal sealed partial class NodeRunActor
{
    private readonly HashSet<(int Offset, long Step)> statesSent = [];
    private readonly List<KeptState> kept = [];

    private void Accept(WriteCheckpoint message)
    {
        // Nobody asks for an older state any more.
        ForgetKept(one => one.Step < message.KnownStep);
        Carry(server!.Handle(message));
    }

    private void Keep(KeepState keep)
    {
        RangeStore range = RangeAt(keep.Pieces[0].Offset)!;
        range.CommitUpTo(keep.Step);
        kept.Add(new KeptState(keep.Step, range.Range.Offset, range.Capture()));
        if (kept.Count > KeepState.Most)
        {
            KeptState oldest = kept[0];
            ForgetKept(one => one == oldest);
        }
    }

    private void SendKept(SendKeptStates send)
    {
        foreach (KeptState one in kept)
        {
            SendState(one.Step, one.Slots, one.Offset, send.Pieces);
        }

        ForgetKept(_ => true);
    }

    private void ForgetKept(Predicate<KeptState> which)
    {
        foreach (SharedBuffer buffer in kept.FindAll(which).SelectMany(one => one.Slots))
        {
            buffer.Release();
        }

        kept.RemoveAll(which);
    }

    /// <summary>Sends weights and optimizer state as they stand to whoever keeps the run, once a step.</summary>
    private void SendState(SaveCheckpoint save)
    {
        CommitRanges();
        long step = save.Progress.Step;
        foreach (IGrouping<RangeStore, ParameterPiece> range in save.Pieces
            .Where(piece => !statesSent.Contains((piece.Offset, step)))
            .GroupBy(piece => RangeAt(piece.Offset)!))
        {
            IReadOnlyList<SharedBuffer> slots = range.Key.Capture();
            SendState(step, slots, range.Key.Range.Offset, range);
            foreach (SharedBuffer slot in slots)
            {
                slot.Release();
            }
        }
    }

    private void SendState(long step, IReadOnlyList<SharedBuffer> slots, int offset, IEnumerable<ParameterPiece> pieces)
    {
        foreach (ParameterPiece piece in pieces.Where(piece => statesSent.Add((piece.Offset, step))))
        {
            for (int slot = 0; slot < slots.Count; slot++)
            {
                links.SendState(run.Keeper.NodeId, view.Arrangement.Number, step, slot, piece.Offset, slots[slot], piece.Offset - offset, piece.Length);
            }
        }
    }

    /// <summary>A range as it stood when the run held.</summary>
    /// <param name="Step">Steps committed in it.</param>
    /// <param name="Offset">Where the range begins.</param>
    /// <param name="Slots">Weights and optimizer state, to be released.</param>
    private sealed record KeptState(long Step, int Offset, IReadOnlyList<SharedBuffer> Slots);
}
