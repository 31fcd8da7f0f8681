using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <content>The run's state: what parameter servers are given, and what they send.</content>
internal sealed partial class KeeperActor
{
    private readonly HashSet<string> bestSentTo = [];
    private readonly StateRetention retention = new();
    private SharedBuffer? bestWeights;
    private int restoration;

    /// <summary>The newest progress that was told; the state to it may still be on its way.</summary>
    private RunProgress Newest =>
        awaitingState.All.Where(wanted => wanted.Kind == CheckpointKind.Last).Select(wanted => wanted.Progress).Append(saved).MaxBy(progress => progress.Step)!;

    private void Supply(Arrangement arrangement)
    {
        if (arrangement.Shares > 0 && !BeginsShares(arrangement))
        {
            return;
        }

        if (!states.TryGetValue(arrangement.Step, out RunState? state) || !state.IsWhole)
        {
            Fail($"the state of step {arrangement.Step} is asked for, and is not here");
            return;
        }

        ForgetWhatWasUnderWay();

        int residuals = arrangement.Step == 0 ? 0 : options.Setup.Encoding?.ResidualNames.Count ?? 0;
        int serverSlots = state.Slots.Count - (options.Setup.Encoding?.ResidualNames.Count ?? 0);
        foreach (ParameterPiece piece in arrangement.Pieces)
        {
            for (int slot = 0; slot < serverSlots; slot++)
            {
                Supply(piece.Server, slot, piece);
                Supply(piece.Standby, slot, piece);
            }

            for (int subtree = 0; subtree < residuals; subtree++)
            {
                Supply(view.OwnerOf(subtree * options.Setup.Shape.ShardsDealtTogether)?.Number ?? -1, serverSlots + subtree, piece);
            }
        }

        void Supply(int number, int slot, ParameterPiece piece)
        {
            if (members.TryGetValue(number, out RunMember? member))
            {
                links!.SendState(member.NodeId, arrangement.Number, arrangement.Step, slot, piece.Offset, state.Slots[slot], piece.Offset, piece.Length);
            }
        }
    }

    /// <summary>
    /// With a new arrangement everything from its step on comes anew: states of which parts are missing will not be completed by the servers of before, and
    /// checkpoints that wait for them are asked for again. Whole states stay, as the steps that lead there give the same bits.
    /// </summary>
    private void ForgetWhatWasUnderWay()
    {
        foreach (long step in states.Values.Where(state => !state.IsWhole).Select(state => state.Step).ToList())
        {
            states.Remove(step);
        }

        awaitingState.Begin(saved);
        bestSentTo.Clear();
        restoration++;
        (best, bestWeights, restoresBest) = (null, null, null);
    }

    private void Accept(BulkFrame frame)
    {
        using BulkBuffer payload = frame.Payload;
        BulkHeader header = frame.Header;
        if (header.Arrangement == view.Arrangement.Number && header.Kind == BulkKind.Updates)
        {
            AcceptUpdates(payload);
            return;
        }

        if (header.Kind != BulkKind.State || header.Arrangement != view.Arrangement.Number)
        {
            return;
        }

        if (!states.TryGetValue(header.Step, out RunState? state))
        {
            states[header.Step] = state = RunState.Awaited(options.Setup, header.Step, shares);
        }

        if (state.IsWhole)
        {
            return;
        }

        state.Receive(header.Range, (int)header.Offset, payload.Floats);
        SaveWhatIsWhole();
    }

    private void SaveWhatIsWhole()
    {
        if (awaitsArrangement)
        {
            return;
        }

        foreach (WriteCheckpoint wanted in awaitingState.TakeDue(step => states.TryGetValue(step, out RunState? state) && state.IsWhole))
        {
            if (!LogUpTo(wanted.Progress.Step))
            {
                return;
            }

            checkpoints.Save(wanted.Kind, states[wanted.Progress.Step].Capture(options.Setup, wanted.Progress), Self);
            if (wanted.Kind == CheckpointKind.Last)
            {
                saved = wanted.Progress;
            }
        }

        RestoreBestWhenSaved();
    }

    /// <summary>Loads the best checkpoint, once every checkpoint that was asked for is on its way to the disk.</summary>
    private void RestoreBestWhenSaved()
    {
        if (restoresBest is { } step && awaitingState.IsEmpty)
        {
            restoresBest = null;
            int asked = restoration;
            checkpoints.LoadBestAsync(step).PipeTo(Self, Self, checkpoint => new BestLoaded(checkpoint, asked));
        }
    }

    private void ForgetStates()
    {
        foreach (long step in retention.Forget(states.Keys, [saved.Step, .. awaitingState.All.Select(wanted => wanted.Progress.Step)]))
        {
            states.Remove(step);
        }
    }

    private void Accept(BestLoaded message)
    {
        if (message.Restoration != restoration)
        {
            return;
        }

        string last = options.Setup.Network.Layout.Sha256(states[saved.Step].Slots[0].Span);
        RunState weights = RunState.Awaited(options.Setup, options.Setup.Shape.TotalSteps + 1, shares);
        message.Checkpoint.RestoreWeights(options.Setup, weights.Slots[0].Span);
        best = weights.Slots[0].Span.ToArray();
        bestWeights = weights.Slots[0];
        SendBest();
        coordinator.Tell(new BestRestored(last));
    }

    /// <summary>Gives every worker of the view the best epoch's weights, which the run is tested with.</summary>
    private void SendBest()
    {
        if (best is null)
        {
            return;
        }

        foreach (ShardRange range in view.Ranges)
        {
            if (members.TryGetValue(range.Worker.Number, out RunMember? worker) && bestSentTo.Add(worker.NodeId))
            {
                foreach (ParameterPiece piece in view.Arrangement.Pieces)
                {
                    var message = new WeightsArrived(
                        view.Arrangement.Number, options.Setup.Shape.TotalSteps + 1, piece.Offset, view.Number, Held: true);
                    links!.SendWeights(worker.NodeId, message, piece, bestWeights!, piece.Offset);
                }
            }
        }
    }

    private sealed record BestLoaded(Checkpoint Checkpoint, int Restoration);
}
