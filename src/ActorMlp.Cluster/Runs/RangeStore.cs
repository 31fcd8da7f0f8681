using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A parameter server's range: its weights and its optimizer's state. New weights are written beside the old ones, as frames with those may still be on
/// their way.
/// </summary>
internal sealed class RangeStore
{
    private readonly SharedBuffers buffers;
    private readonly ParameterUpdater updater;
    private readonly bool clips;
    private readonly long awaited;
    private long received;
    private SharedBuffer current;
    private SharedBuffer? next;
    private SharedBuffer? sums;

    /// <summary>A range whose state is still to come.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="pool">The threads that compute.</param>
    /// <param name="pieces">The range in pieces; not empty.</param>
    /// <param name="step">Steps committed in it.</param>
    public RangeStore(RunSetup setup, ComputePool pool, IReadOnlyList<ParameterPiece> pieces, long step)
    {
        Step = step;
        Range = new ParameterRange(pieces[0].Offset, pieces[^1].End - pieces[0].Offset);
        updater = new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool, Range);
        clips = setup.Shape.ClipsNorm;
        buffers = new SharedBuffers(Range.Length);
        current = buffers.Rent();
        awaited = (1L + updater.Slots.Count) * Range.Length;
    }

    /// <summary>The range.</summary>
    public ParameterRange Range { get; }

    /// <summary>Steps committed in it.</summary>
    public long Step { get; private set; }

    /// <summary>Whether all of its state is there.</summary>
    public bool IsWhole => received == awaited;

    /// <summary>Takes state that was sent.</summary>
    /// <param name="slot">0 for weights, from 1 for the optimizer's slots.</param>
    /// <param name="offset">Where in the whole vector it begins.</param>
    /// <param name="values">The state.</param>
    public void Receive(int slot, int offset, ReadOnlySpan<float> values)
    {
        values.CopyTo(Slot(slot).Span[(offset - Range.Offset)..]);
        received += values.Length;
    }

    /// <summary>Applies a piece's update; on the pool. Where the gradient's norm is bounded the piece is the whole vector.</summary>
    public UpdateReport Apply(ApplyUpdate work, double learningRate)
    {
        ParameterPiece piece = work.Piece;
        if (clips)
        {
            double[] squares = Measure(new MeasureUpdate(work.Arrangement, work.Step, piece, work.Parts, work.Totals));
            return updater.ApplyMeasured(work.Step, learningRate, At(piece), Old(piece).Span, New(piece).Span, ParameterUpdater.Norm(squares));
        }

        return updater.Apply(work.Step, learningRate, work.Parts, work.Totals.Rows, At(piece), Old(piece).Span, New(piece).Span, SumOf(piece));
    }

    /// <summary>Measures a piece's gradient; on the pool.</summary>
    public double[] Measure(MeasureUpdate work)
    {
        var squares = new double[updater.ChunksIn(At(work.Piece))];
        updater.Measure(work.Parts, work.Totals.Rows, At(work.Piece), Old(work.Piece).Span, squares, SumOf(work.Piece));
        return squares;
    }

    /// <summary>Applies a sum that another server completed to a piece that this one stands by for, as that server did; on the pool.</summary>
    /// <returns>What the update found, and the squared norms of the piece's chunks where the norm spans several pieces.</returns>
    public (UpdateReport Report, double[]? Squares) Apply(ParameterPiece piece, SumArrived sum, double learningRate)
    {
        // It goes no further.
        ParameterPiece last = piece with { Standby = -1 };
        if (sum.Norm is not { } norm)
        {
            return (Apply(new ApplyUpdate(sum.Arrangement, sum.Step, last, sum.Parts, sum.Totals, null), learningRate), null);
        }

        double[] squares = Measure(new MeasureUpdate(sum.Arrangement, sum.Step, last, sum.Parts, sum.Totals));
        return (updater.ApplyMeasured(sum.Step, learningRate, At(piece), Old(piece).Span, New(piece).Span, norm), squares);
    }

    /// <summary>Applies what was measured of a piece; on the pool.</summary>
    public UpdateReport Apply(ApplyMeasured work, double learningRate) =>
        updater.ApplyMeasured(work.Step, learningRate, At(work.Piece), Old(work.Piece).Span, New(work.Piece).Span, work.Norm);

    /// <summary>The buffer with a piece's weights, and where in it they begin.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="committed">Steps committed in them: those that stand, or those of the step that is not committed yet.</param>
    public (SharedBuffer Buffer, int Offset) Weights(ParameterPiece piece, long committed) =>
        (committed > Step ? next! : current, piece.Offset - Range.Offset);

    /// <summary>The buffer with a piece's completed gradient, and where in it that begins: once it was applied, or measured, until the step is committed.</summary>
    public (SharedBuffer Buffer, int Offset) Sum(ParameterPiece piece) => (sums!, piece.Offset - Range.Offset);

    /// <summary>Steps are committed: the new weights are the ones to go on from.</summary>
    /// <param name="committed">How many steps in all; nothing happens if they are committed here already.</param>
    public void CommitUpTo(long committed)
    {
        if (committed <= Step)
        {
            return;
        }

        current.Release();
        current = next!;
        next = null;
        sums?.Release();
        sums = null;
        Step = committed;
    }

    /// <summary>Weights and slots as they stand, between steps: buffers to be released.</summary>
    public IReadOnlyList<SharedBuffer> Capture()
    {
        current.Retain();
        var all = new List<SharedBuffer> { current };
        foreach (OptimizerSlot slot in updater.Slots)
        {
            SharedBuffer copy = buffers.Rent();
            slot.Values.CopyTo(copy.Floats);
            all.Add(copy);
        }

        return all;
    }

    private Memory<float> SumOf(ParameterPiece piece) =>
        piece.Standby < 0 ? default : (sums ??= buffers.Rent()).Floats.Slice(piece.Offset - Range.Offset, piece.Length);

    private static ParameterRange At(ParameterPiece piece) => new(piece.Offset, piece.Length);

    private Memory<float> Slot(int slot) => slot == 0 ? current.Floats : updater.Slots[slot - 1].Values;

    private Memory<float> Old(ParameterPiece piece) => current.Floats.Slice(piece.Offset - Range.Offset, piece.Length);

    private Memory<float> New(ParameterPiece piece) => (next ??= buffers.Rent()).Floats.Slice(piece.Offset - Range.Offset, piece.Length);
}
