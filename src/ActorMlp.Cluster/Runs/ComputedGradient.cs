using ActorMlp.Engine.Batches;

namespace ActorMlp.Cluster.Runs;

/// <summary>A subtree's gradient, in a buffer for those on this node and, where it is encoded, in one for the others.</summary>
/// <param name="Totals">Sums over its rows.</param>
/// <param name="Floats">What counts.</param>
/// <param name="Encoded">The bytes that travel; null where the floats do.</param>
internal sealed record ComputedGradient(GradientTotals Totals, SharedBuffer Floats, SharedBuffer? Encoded)
{
    /// <summary>Lets go of it.</summary>
    public void Release()
    {
        Floats.Release();
        Encoded?.Release();
    }
}
