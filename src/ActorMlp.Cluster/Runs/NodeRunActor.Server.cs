using ActorMlp.Cluster.Bulk;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Runs;

/// <content>The node's parameter server: its range, the gradients that come in for it, the weights that go out.</content>
internal sealed partial class NodeRunActor
{
    /// <summary>Bytes of a range whose gradients are copied: a sender's credit is worth several gradients of a smaller one.</summary>
    private const long LargeRangeBytes = 4 << 20;

    private readonly Dictionary<int, List<ReceivedGradient>> received = [];
    private readonly List<SendWeights> localWeights = [];
    private readonly HashSet<(int From, long Step)> statesSent = [];
    private RangeStore? range;
    private long rangeStep;

    private void AcceptGradient(BulkFrame frame)
    {
        BulkHeader header = frame.Header;
        if (ReceivedGradient.Take(frame, encoder, copies: (long)(range?.Range.Length ?? 0) * sizeof(float) > LargeRangeBytes) is not { } gradient)
        {
            log.Error("a gradient of {0} does not decode: {1} bytes for {2} values", frame.From, frame.Payload.Length, header.Count);
            frame.Payload.Dispose();
            return;
        }

        var message = new SubtreeComputed(
            new WorkerId(header.Worker, header.Incarnation),
            header.View,
            header.Step,
            header.Node,
            new GradientTotals(header.Rows, header.LossSum, header.Correct),
            new GradientPart(header.Node, gradient.Floats),
            (int)header.Offset)
        {
            Verifies = header.Kind == BulkKind.SecondGradient,
        };
        bool kept = server!.Needs(message);
        if (kept)
        {
            if (!received.TryGetValue(message.Offset, out List<ReceivedGradient>? gradients))
            {
                received[message.Offset] = gradients = [];
            }

            gradients.Add(gradient);
        }

        Carry(server.Handle(message));
        if (!kept)
        {
            gradient.Dispose();
        }
    }

    private void AcceptState(BulkFrame frame)
    {
        using BulkBuffer payload = frame.Payload;
        BulkHeader header = frame.Header;
        if (header.Arrangement != view.Arrangement.Number)
        {
            return;
        }

        int firstResidual = 1 + ParameterUpdater.SlotNames(prepared!.Setup.Optimizer.Kind).Count;
        if (header.Range >= firstResidual)
        {
            ReceiveResidual(header.Range - firstResidual, (int)header.Offset, payload.Floats);
            return;
        }

        if (range is null || range.IsWhole)
        {
            return;
        }

        range.Receive(header.Range, (int)header.Offset, payload.Floats);
        if (range.IsWhole)
        {
            Carry(server!.Handle(new RangeAcquired(header.Arrangement)));
        }
    }

    private void Accept(UpdateApplied message)
    {
        if (message.Arrangement == view.Arrangement.Number && received.Remove(message.Offset, out List<ReceivedGradient>? gradients))
        {
            gradients.ForEach(gradient => gradient.Dispose());
        }

        Carry(server!.Handle(message));
        CommitRange(server.Step);
    }

    private void CommitRange(long committed)
    {
        if (range is not null && committed > rangeStep)
        {
            range.Commit();
            rangeStep = committed;
        }
    }

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    Acquire(acquire);
                    break;
                case SendWeights send:
                    Send(send);
                    break;
                case OpenStep { Announced: false } open:
                    foreach (int number in view.Ranges.Select(member => member.Worker.Number))
                    {
                        Tell(number, open.Message);
                    }

                    break;
                case ApplyUpdate apply:
                    RangeStore store = range!;
                    double rate = prepared!.Setup.Shape.LearningRate(apply.Step);
                    Engine.UpdateAsync(() => store.Apply(apply, rate))
                        .PipeTo(Self, Self, report => new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset));
                    break;
                case MeasureUpdate measure:
                    RangeStore measured = range!;
                    Engine.UpdateAsync(() => measured.Measure(measure))
                        .PipeTo(Self, Self, squares => new UpdateMeasured(measure.Arrangement, measure.Step, measure.Piece.Offset, squares));
                    break;
                case ApplyMeasured apply:
                    RangeStore clipped = range!;
                    double clippedRate = prepared!.Setup.Shape.LearningRate(apply.Step);
                    Engine.UpdateAsync(() => clipped.Apply(apply, clippedRate))
                        .PipeTo(Self, Self, report => new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset));
                    break;
                case TellServers tell:
                    foreach (int number in view.Arrangement.Servers.Where(number => number != run.Number))
                    {
                        Tell(number, tell.Message);
                    }

                    break;
                case TellCoordinator tell:
                    coordinator.Tell(tell.Message);
                    break;
                case SaveCheckpoint save:
                    SendState(save.Progress.Step);
                    break;
            }
        }
    }

    private void DropGradients()
    {
        foreach (ReceivedGradient gradient in received.Values.SelectMany(gradients => gradients))
        {
            gradient.Dispose();
        }

        received.Clear();
    }

    private void Acquire(AcquireRange acquire)
    {
        DropGradients();
        localWeights.Clear();
        statesSent.Clear();
        range = acquire.Pieces.Count == 0 ? null : new RangeStore(prepared!.Setup, pool, acquire.Pieces);
        rangeStep = acquire.Arrangement.Step;
    }

    private void Send(SendWeights send)
    {
        (SharedBuffer buffer, int offset) = range!.Weights(send.Piece, updated: send.Message.Step > rangeStep);
        int[] receivers = [.. (send.To ?? [.. view.Ranges.Select(member => member.Worker)]).Select(to => to.Number)];
        foreach (int number in receivers.Where(number => number != run.Number))
        {
            if (members.TryGetValue(number, out Wire.RunMember? member))
            {
                links.SendWeights(member.NodeId, send.Message, send.Piece, buffer, offset);
            }
        }

        if (!receivers.Contains(run.Number))
        {
            return;
        }

        if (adoptions > 0)
        {
            localWeights.Add(send);
        }
        else
        {
            AcceptWeights(send.Message, buffer.Span.Slice(offset, send.Piece.Length));
        }
    }

    private void StageLocally(SendWeights send)
    {
        if (range is not null && send.Message.Step >= rangeStep)
        {
            (SharedBuffer buffer, int offset) = range.Weights(send.Piece, updated: send.Message.Step > rangeStep);
            AcceptWeights(send.Message, buffer.Span.Slice(offset, send.Piece.Length));
        }
    }

    /// <summary>Sends weights and optimizer state as they stand to whoever keeps the run, once a step.</summary>
    private void SendState(long step)
    {
        CommitRange(step);
        if (!statesSent.Add((view.Arrangement.Number, step)))
        {
            return;
        }

        IReadOnlyList<SharedBuffer> slots = range!.Capture();
        for (int slot = 0; slot < slots.Count; slot++)
        {
            foreach (ParameterPiece piece in view.Arrangement.PiecesOf(run.Number))
            {
                links.SendState(
                    run.Keeper.NodeId, view.Arrangement.Number, step, slot, piece.Offset, slots[slot], piece.Offset - range.Range.Offset, piece.Length);
            }

            slots[slot].Release();
        }
    }

    private void Tell(int number, object message)
    {
        if (number == run.Number)
        {
            Self.Tell(message);
        }
        else if (members.TryGetValue(number, out Wire.RunMember? member))
        {
            node.ActorOf(member.NodeId, run.Run).Tell(message, Self);
        }
    }
}
