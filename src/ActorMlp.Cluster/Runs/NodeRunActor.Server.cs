using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;
using MessagePack;

namespace ActorMlp.Cluster.Runs;

/// <content>The node's parameter server: its range, the gradients that come in for it, the weights that go out.</content>
internal sealed partial class NodeRunActor
{
    /// <summary>Bytes of a range whose gradients are copied: a sender's credit is worth several gradients of a smaller one.</summary>
    private const long LargeRangeBytes = 4 << 20;

    private readonly Dictionary<(int Offset, long Step), List<IDisposable>> received = [];
    private readonly List<RangeStore> ranges = [];

    private RangeStore? RangeAt(long offset) => ranges.Find(range => range.Range.Offset <= offset && offset < range.Range.End);

    private void AcceptGradient(BulkFrame frame)
    {
        BulkHeader header = frame.Header;
        if (ReceivedGradient.Take(frame, encoder, copies: (long)(RangeAt(header.Offset)?.Range.Length ?? 0) * sizeof(float) > LargeRangeBytes) is not { } gradient)
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
            KeepUntilApplied(message.Offset, message.Step, gradient);
        }

        Carry(server.Handle(message));
        if (!kept)
        {
            gradient.Dispose();
        }
    }

    private void KeepUntilApplied(int offset, long step, IDisposable buffer)
    {
        if (!received.TryGetValue((offset, step), out List<IDisposable>? buffers))
        {
            received[(offset, step)] = buffers = [];
        }

        buffers.Add(buffer);
    }

    /// <summary>A completed gradient of a piece that this node stands by for.</summary>
    private void AcceptSum(BulkFrame frame)
    {
        BulkHeader header = frame.Header;
        var sum = new SumArrived(
            header.Arrangement,
            header.Step,
            (int)header.Offset,
            new GradientTotals(header.Rows, header.LossSum, header.Correct),
            header.View,
            header.Held,
            header.Norm,
            [new GradientPart(TreeNode.Root(prepared!.Setup.Shape.Shards), new PayloadFloats(frame.Payload).Memory)]);
        if (!server!.Needs(sum))
        {
            frame.Payload.Dispose();
            return;
        }

        KeepUntilApplied(sum.Offset, sum.Step, frame.Payload);
        Carry(server.Handle(sum));
    }

    private void AcceptCommit(BulkFrame frame)
    {
        using BulkBuffer payload = frame.Payload;
        Carry(server!.Handle(MessagePackSerializer.Deserialize<CommitForwarded>(payload.Span.ToArray(), WireOptions.Strict)));
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

        if (RangeAt(header.Offset) is not { IsWhole: false } range)
        {
            return;
        }

        range.Receive(header.Range, (int)header.Offset, payload.Floats);
        if (ranges.TrueForAll(one => one.IsWhole))
        {
            Carry(server!.Handle(new RangeAcquired(header.Arrangement)));
        }
    }

    private void Accept(UpdateApplied message)
    {
        stepsApplied = Math.Max(stepsApplied, message.Step + 1);
        LetGo(message.Arrangement, message.Offset, message.Step);
        CarryApplied(server!.Handle(message));
    }

    private void Accept(SumApplied message)
    {
        stepsApplied = Math.Max(stepsApplied, message.Step + 1);
        LetGo(message.Arrangement, message.Offset, message.Step);
        CarryApplied(server!.Handle(message));
    }

    private void LetGo(int arrangement, int offset, long step)
    {
        if (arrangement == view.Arrangement.Number && received.Remove((offset, step), out List<IDisposable>? buffers))
        {
            buffers.ForEach(buffer => buffer.Dispose());
        }
    }

    /// <summary>What is asked for once something was applied builds upon it, and the pool may begin at once.</summary>
    private void CarryApplied(IReadOnlyList<ParameterServerEffect> effects)
    {
        CommitRanges();
        Carry(effects);
    }

    /// <summary>The range that an update is asked for of. The pool may begin at once, so it must stand where the step begins.</summary>
    private RangeStore RangeStandingAt(int offset, long step)
    {
        RangeStore range = RangeAt(offset)!;
        return range.Step == step
            ? range
            : throw new InvalidOperationException($"an update of step {step} is asked for of a range that stands after step {range.Step}");
    }

    private void CommitRanges() => ranges.ForEach(range => range.CommitUpTo(server!.StepOf(range.Range.Offset)));

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
                case AskForHelp ask:
                    Tell(ask.To.Number, ask.Message);
                    break;
                case ApplyUpdate apply:
                    RangeStore store = RangeStandingAt(apply.Piece.Offset, apply.Step);
                    double rate = prepared!.Setup.Shape.LearningRate(apply.Step);
                    string? standby = StandbyOf(apply.Forward);
                    Engine.UpdateAsync(() =>
                    {
                        UpdateReport report = store.Apply(apply, rate);
                        Forward(standby, store, apply.Arrangement, apply.Step, apply.Piece, apply.Totals, apply.Forward, null);
                        return report;
                    })
                        .PipeTo(Self, Self, report => new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset));
                    break;
                case MeasureUpdate measure:
                    RangeStore measured = RangeStandingAt(measure.Piece.Offset, measure.Step);
                    Engine.UpdateAsync(() => measured.Measure(measure))
                        .PipeTo(Self, Self, squares => new UpdateMeasured(measure.Arrangement, measure.Step, measure.Piece.Offset, squares));
                    break;
                case ApplyMeasured apply:
                    RangeStore clipped = RangeStandingAt(apply.Piece.Offset, apply.Step);
                    double clippedRate = prepared!.Setup.Shape.LearningRate(apply.Step);
                    string? follower = StandbyOf(apply.Forward);
                    Engine.UpdateAsync(() =>
                    {
                        UpdateReport report = clipped.Apply(apply, clippedRate);
                        Forward(follower, clipped, apply.Arrangement, apply.Step, apply.Piece, apply.Totals, apply.Forward, apply.Norm);
                        return report;
                    })
                        .PipeTo(Self, Self, report => new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset));
                    break;
                case ApplySum { Piece: { } piece, Sum: { } sum }:
                    RangeStore followed = RangeStandingAt(piece.Offset, sum.Step);
                    double followedRate = prepared!.Setup.Shape.LearningRate(sum.Step);
                    Engine.UpdateAsync(() => followed.Apply(piece, sum, followedRate))
                        .PipeTo(Self, Self, found => new SumApplied(sum.Arrangement, sum.Step, sum.Offset, found.Report, found.Squares));
                    break;
                case ForwardCommit forward:
                    if (members.TryGetValue(forward.To, out Wire.RunMember? lead))
                    {
                        links.SendCommit(lead.NodeId, forward.Message);
                    }

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
                case KeepState keep:
                    Keep(keep);
                    break;
                case SendKeptStates send:
                    SendKept(send);
                    break;
                case SaveCheckpoint save:
                    SendState(save);
                    break;
            }
        }
    }

    private void DropGradients()
    {
        foreach (IDisposable buffer in received.Values.SelectMany(buffers => buffers))
        {
            buffer.Dispose();
        }

        received.Clear();
    }

    private void Acquire(AcquireRange acquire)
    {
        DropGradients();
        ForgetKept(_ => true);
        statesSent.Clear();
        ranges.Clear();
        ranges.AddRange(new[] { acquire.Pieces, acquire.StandbyPieces }
            .Where(pieces => pieces.Count > 0)
            .Select(pieces => new RangeStore(prepared!.Setup, pool, pieces, acquire.Arrangement.Step)));
    }

    private string? StandbyOf(ForwardSum? forward) =>
        forward is not null && members.TryGetValue(forward.To, out Wire.RunMember? member) ? member.NodeId : null;

    /// <summary>From the pool straight to the wire, as gradients go.</summary>
    private void Forward(
        string? nodeId, RangeStore store, int arrangement, long step, ParameterPiece piece, GradientTotals totals, ForwardSum? word, double? norm)
    {
        if (nodeId is not null)
        {
            (SharedBuffer buffer, int offset) = store.Sum(piece);
            links.SendSum(nodeId, arrangement, step, piece, totals, word!, norm, buffer, offset);
        }
    }

    private void Send(SendWeights send)
    {
        (SharedBuffer buffer, int offset) = RangeAt(send.Piece.Offset)!.Weights(send.Piece, send.Message.Step);
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

        // The server may be steps further when they are taken.
        buffer.Retain();
        waitingWeights.Add(
            send.Message,
            view.Arrangement.Pieces.Count,
            () =>
            {
                Stage(send.Message, buffer.Span.Slice(offset, send.Piece.Length));
                buffer.Release();
            },
            buffer.Release);
        TakeWeights();
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
