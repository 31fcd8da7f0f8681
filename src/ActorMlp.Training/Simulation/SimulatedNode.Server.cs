using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <content>The node's parameter server.</content>
internal sealed partial class SimulatedNode
{
    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    statesSent.Clear();
                    kept.Clear();
                    ranges.Clear();
                    ranges.AddRange(new[] { acquire.Pieces, acquire.StandbyPieces }
                        .Where(pieces => pieces.Count > 0)
                        .Select(pieces => new SimulatedRange(model, acquire.Arrangement.Step, pieces)));
                    break;
                case SendWeights send:
                    SendWeights(send);
                    break;
                case OpenStep { Announced: false } open:
                    foreach (ShardRange member in view.Ranges)
                    {
                        cluster.TellNode(this, member.Worker.Number, open.Message);
                    }

                    break;
                case AskForHelp ask:
                    cluster.TellNode(this, ask.To.Number, ask.Message);
                    break;
                case ApplyUpdate apply:
                    SimulatedRange target = RangeStandingAt(apply.Piece.Offset, apply.Step);
                    process.Compute(cluster.TimeOfUpdate(apply.Piece), () =>
                    {
                        cluster.Watch.Applied(run, number, apply.Arrangement, apply.Step, apply.Piece);
                        UpdateReport report = target.Apply(apply);
                        Forward(apply.Arrangement, apply.Step, apply.Piece, apply.Parts, apply.Totals, null, apply.Forward);
                        CarryApplied(server.Handle(new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset)));
                    });
                    break;
                case MeasureUpdate measure:
                    SimulatedRange measured = RangeStandingAt(measure.Piece.Offset, measure.Step);
                    process.Compute(cluster.TimeOfUpdate(measure.Piece), () => Carry(server.Handle(
                        new UpdateMeasured(measure.Arrangement, measure.Step, measure.Piece.Offset, measured.Measure(measure)))));
                    break;
                case ApplyMeasured apply:
                    SimulatedRange clipped = RangeStandingAt(apply.Piece.Offset, apply.Step);
                    process.Compute(cluster.TimeOfUpdate(apply.Piece), () =>
                    {
                        cluster.Watch.Applied(run, number, apply.Arrangement, apply.Step, apply.Piece);
                        UpdateReport report = clipped.Apply(apply);
                        Forward(apply.Arrangement, apply.Step, apply.Piece, apply.Parts, apply.Totals, apply.Norm, apply.Forward);
                        CarryApplied(server.Handle(new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset)));
                    });
                    break;
                case ApplySum { Sum: { } sum, Piece: { } piece }:
                    SimulatedRange follower = RangeStandingAt(piece.Offset, sum.Step);
                    process.Compute(cluster.TimeOfUpdate(piece), () =>
                    {
                        cluster.Watch.Followed(run, number, sum.Arrangement, sum.Step, piece);
                        (UpdateReport report, double[]? squares) = follower.Apply(piece, sum);
                        CarryApplied(server.Handle(new SumApplied(sum.Arrangement, sum.Step, sum.Offset, report, squares)));
                    });
                    break;
                case ForwardCommit forward:
                    cluster.SendFrame(this, forward.To, new SimulatedFrame(forward.Message.Arrangement, forward.Message, 0, 0, default));
                    break;
                case TellServers tell:
                    foreach (int other in view.Arrangement.Servers.Where(other => other != number))
                    {
                        cluster.TellNode(this, other, tell.Message);
                    }

                    break;
                case TellCoordinator tell:
                    cluster.TellCoordinator(this, tell.Message);
                    break;
                case KeepState keep:
                    SimulatedRange held = RangeAt(keep.Pieces[0].Offset)!;
                    held.CommitUpTo(keep.Step);
                    foreach (ParameterPiece piece in keep.Pieces)
                    {
                        kept[(piece.Offset, keep.Step)] = [.. Enumerable.Range(0, 1 + model.OptimizerSlots).Select(slot => held.Slot(slot, piece).ToArray())];
                    }

                    long[] steps = [.. kept.Keys.Select(key => key.Step).Distinct().OrderDescending()];
                    foreach ((int Offset, long Step) old in kept.Keys.Where(key => steps.Skip(KeepState.Most).Contains(key.Step)).ToArray())
                    {
                        kept.Remove(old);
                    }

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

    /// <summary>The range that an update is asked for of: a real pool may begin at once, so it must stand where the step begins.</summary>
    private SimulatedRange RangeStandingAt(int offset, long step)
    {
        SimulatedRange range = RangeAt(offset)!;
        if (range.Step != step)
        {
            cluster.Watch.Break($"an update of step {step} is asked for of a range that stands after step {range.Step}");
        }

        return range;
    }

    private void CarryApplied(IReadOnlyList<ParameterServerEffect> effects)
    {
        ranges.ForEach(range => range.CommitUpTo(server.StepOf(range.Place.Offset)));
        Carry(effects);
    }

    private void Forward(
        int arrangement, long step, ParameterPiece piece, GradientPart[] parts, GradientTotals totals, double? norm, ForwardSum? forward)
    {
        if (forward is null)
        {
            return;
        }

        // On the wire it is one sum.
        var message = new SumArrived(arrangement, step, piece.Offset, totals, forward.View, forward.Held, norm, parts);
        cluster.SendFrame(this, forward.To, new SimulatedFrame(arrangement, message, 0, piece.Offset, new float[piece.Length]));
    }

    private void SendWeights(SendWeights send)
    {
        float[] values = RangeAt(send.Piece.Offset)!.Weights(send.Piece, send.Message.Step);
        foreach (WorkerId to in send.To ?? [.. view.Ranges.Select(member => member.Worker)])
        {
            cluster.SendFrame(this, to.Number, new SimulatedFrame(send.Message.Arrangement, send.Message, 0, send.Piece.Offset, values));
        }
    }

    private void SendKept(SendKeptStates send)
    {
        foreach (((int offset, long step), float[][] slots) in kept.OrderBy(one => one.Key.Step).ThenBy(one => one.Key.Offset).ToArray())
        {
            for (int slot = 0; slot < slots.Length && send.Pieces.Any(piece => piece.Offset == offset); slot++)
            {
                cluster.SendState(this, view.Arrangement.Number, step, slot, offset, slots[slot]);
            }
        }

        kept.Clear();
    }

    private void SendState(SaveCheckpoint save)
    {
        long step = save.Progress.Step;
        foreach (ParameterPiece piece in save.Pieces.Where(piece => statesSent.Add((piece.Offset, step))))
        {
            SimulatedRange range = RangeAt(piece.Offset)!;
            range.CommitUpTo(step);
            for (int slot = 0; slot <= model.OptimizerSlots; slot++)
            {
                cluster.SendState(this, view.Arrangement.Number, step, slot, piece.Offset, range.Slot(slot, piece).ToArray());
            }
        }
    }
}
