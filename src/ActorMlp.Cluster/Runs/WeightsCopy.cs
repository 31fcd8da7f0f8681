using ActorMlp.Engine.Numerics;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A node's copy of all weights: those that are computed with, and those of the next step, which come in pieces meanwhile. They change places at once, so
/// a gradient never sees weights of two steps, however far ahead some parameter server is.
/// </summary>
/// <param name="length">Floats of the vector.</param>
internal sealed class WeightsCopy(int length)
{
    private AlignedBuffer current = new(length);
    private AlignedBuffer next = new(length);

    /// <summary>The weights to compute with.</summary>
    public ReadOnlySpan<float> Current => current.Span;

    /// <summary>Takes a piece of the next step's.</summary>
    public void Stage(int offset, ReadOnlySpan<float> piece) => piece.CopyTo(next.Span[offset..]);

    /// <summary>Makes the next step's the current ones; between computations.</summary>
    public void Adopt() => (current, next) = (next, current);
}
