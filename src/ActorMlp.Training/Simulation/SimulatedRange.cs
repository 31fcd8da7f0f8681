using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>A simulated parameter server's range: weights, those of the next step, optimizer state.</summary>
internal sealed class SimulatedRange
{
    private readonly Dictionary<(long Step, int Offset), (GradientPart[] Parts, Engine.Batches.GradientTotals Totals)> measured = [];
    private readonly SimulatedOptimizer optimizer;
    private readonly bool clips;
    private readonly float[][] slots;
    private float[] current;
    private float[] next;
    private int awaited;

    /// <summary>A range whose state is still to come.</summary>
    public SimulatedRange(SimulatedModel model, long step, IReadOnlyList<ParameterPiece> pieces)
    {
        Place = new ParameterRange(pieces[0].Offset, pieces[^1].End - pieces[0].Offset);
        Step = step;
        current = new float[Place.Length];
        next = new float[Place.Length];
        slots = [.. Enumerable.Range(0, model.OptimizerSlots).Select(_ => new float[Place.Length])];
        awaited = (1 + slots.Length) * Place.Length;
        clips = model.Shape.ClipsNorm;
        optimizer = model.CreateOptimizer(Place, slots);
    }

    /// <summary>Which parameters.</summary>
    public ParameterRange Place { get; }

    /// <summary>Steps committed in it.</summary>
    public long Step { get; private set; }

    /// <summary>Whether all state is there.</summary>
    public bool IsWhole => awaited == 0;

    public void Receive(int slot, int offset, ReadOnlyMemory<float> values)
    {
        values.CopyTo((slot == 0 ? current : slots[slot - 1]).AsMemory(offset - Place.Offset));
        awaited -= values.Length;
    }

    public UpdateReport Apply(ApplyUpdate work)
    {
        double? norm = null;
        if (clips)
        {
            norm = ParameterUpdater.Norm(optimizer.Measure(work.Piece, work.Parts, work.Totals, At(current, work.Piece)));
        }

        return optimizer.Apply(work.Step, work.Piece, work.Parts, work.Totals, norm, At(current, work.Piece), At(next, work.Piece));
    }

    public double[] Measure(MeasureUpdate work)
    {
        measured[(work.Step, work.Piece.Offset)] = (work.Parts, work.Totals);
        return optimizer.Measure(work.Piece, work.Parts, work.Totals, At(current, work.Piece));
    }

    public UpdateReport Apply(ApplyMeasured work)
    {
        measured.Remove((work.Step, work.Piece.Offset), out var of);
        return optimizer.Apply(work.Step, work.Piece, of.Parts, of.Totals, work.Norm, At(current, work.Piece), At(next, work.Piece));
    }

    /// <summary>Applies a sum that another server completed, as that server did.</summary>
    public (UpdateReport Report, double[]? Squares) Apply(ParameterPiece piece, SumArrived sum)
    {
        if (sum.Norm is not { } norm)
        {
            return (Apply(new ApplyUpdate(sum.Arrangement, sum.Step, piece, sum.Parts, sum.Totals, null)), null);
        }

        double[] squares = Measure(new MeasureUpdate(sum.Arrangement, sum.Step, piece, sum.Parts, sum.Totals));
        return (Apply(new ApplyMeasured(sum.Arrangement, sum.Step, piece, norm, sum.Parts, sum.Totals, null)), squares);
    }

    /// <summary>A piece's weights after some steps: those that stand, or those of the step that is being applied.</summary>
    public float[] Weights(ParameterPiece piece, long committed) => At(committed > Step ? next : current, piece).ToArray();

    /// <summary>A piece of the weights (slot 0) or of the optimizer's state.</summary>
    public Span<float> Slot(int slot, ParameterPiece piece) => At(slot == 0 ? current : slots[slot - 1], piece);

    /// <summary>Steps are committed: the new weights are the ones to go on from.</summary>
    public void CommitUpTo(long committed)
    {
        if (committed > Step)
        {
            (current, next) = (next, current);
            Step = committed;
        }
    }

    private Span<float> At(float[] values, ParameterPiece piece) => values.AsSpan(piece.Offset - Place.Offset, piece.Length);
}
