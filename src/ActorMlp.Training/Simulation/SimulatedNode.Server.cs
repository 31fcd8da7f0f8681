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
                    range = acquire.Pieces.Count == 0 ? null : new SimulatedRange(model, acquire.Arrangement.Step, acquire.Pieces);
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
                case ApplyUpdate apply:
                    SimulatedRange target = range!;
                    process.Compute(cluster.TimeOfUpdate(apply.Piece), () =>
                    {
                        cluster.Watch.Applied(run, number, apply.Arrangement, apply.Step, apply.Piece);
                        UpdateReport report = target.Apply(apply);
                        CarryApplied(server.Handle(new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset)));
                    });
                    break;
                case MeasureUpdate measure:
                    SimulatedRange measured = range!;
                    process.Compute(cluster.TimeOfUpdate(measure.Piece), () => Carry(server.Handle(
                        new UpdateMeasured(measure.Arrangement, measure.Step, measure.Piece.Offset, measured.Measure(measure)))));
                    break;
                case ApplyMeasured apply:
                    SimulatedRange clipped = range!;
                    process.Compute(cluster.TimeOfUpdate(apply.Piece), () =>
                    {
                        cluster.Watch.Applied(run, number, apply.Arrangement, apply.Step, apply.Piece);
                        UpdateReport report = clipped.Apply(apply);
                        CarryApplied(server.Handle(new UpdateApplied(apply.Arrangement, apply.Step, report, apply.Piece.Offset)));
                    });
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
                case SaveCheckpoint save:
                    SendState(save.Progress.Step);
                    break;
            }
        }
    }

    private void CarryApplied(IReadOnlyList<ParameterServerEffect> effects)
    {
        Carry(effects);
        range?.CommitUpTo(server.Step);
    }

    private void SendWeights(SendWeights send)
    {
        float[] values = range!.Weights(send.Piece, send.Message.Step);
        foreach (WorkerId to in send.To ?? [.. view.Ranges.Select(member => member.Worker)])
        {
            cluster.SendFrame(this, to.Number, new SimulatedFrame(send.Message.Arrangement, send.Message, 0, send.Piece.Offset, values));
        }
    }

    private void SendState(long step)
    {
        range!.CommitUpTo(step);
        if (!statesSent.Add((view.Arrangement.Number, step)))
        {
            return;
        }

        foreach (ParameterPiece piece in view.Arrangement.PiecesOf(number))
        {
            for (int slot = 0; slot <= model.OptimizerSlots; slot++)
            {
                cluster.SendState(this, view.Arrangement.Number, step, slot, piece.Offset, range.Slot(slot, piece).ToArray());
            }
        }
    }
}
