using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// The most memory that training takes beside its data: weights, optimizer state, two gradients, the activations of the rows in flight with their
/// derivatives, and for each thread the activations of one group of rows and a few chunks of the update. Besides some kilobytes of objects.
/// </summary>
public static class MemoryBound
{
    /// <summary>Rows that a thread takes through the network at a time, at most.</summary>
    private const int GroupRows = RowPass.MaxGroupBlocks * KernelSet.Lane;

    /// <summary>Open sums of an update, for gradients that come in up to 64 parts.</summary>
    private const int UpdateChunks = 8;

    /// <summary>Open sums of a weight gradient, for up to 256 groups of 512 rows.</summary>
    private const int OpenSums = 8;

    /// <summary>The bound in bytes.</summary>
    /// <param name="network">The network.</param>
    /// <param name="optimizer">The optimizer, for the size of its state.</param>
    /// <param name="rows">Rows of the shards in flight.</param>
    /// <param name="threads">Threads of the pool.</param>
    public static long For(Network network, OptimizerKind optimizer, int rows, int threads)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        int slots = optimizer switch
        {
            OptimizerKind.Sgd => 0,
            OptimizerKind.Adam or OptimizerKind.AdamW => 2,
            _ => 1,
        };
        const long Gradients = 2;
        long parameters = network.Layout.Length * (1 + slots + Gradients);

        // Of each layer its inputs and the derivatives of its outputs; a thread's group besides values and dropout masks of every stage.
        int[] widths = [Padded(network.Spec.Inputs), .. network.Spec.Layers.Select(layer => Padded(layer.Units))];
        long activations = (widths.Sum(width => (long)width) * 2 - widths[0] - widths[^1]) * Padded(rows);
        long scratch = (widths.Sum(width => (long)width) * 2 + widths.Max() * 2L) * Math.Min(GroupRows, Padded(rows)) + (widths[0] + 2L * widths[^1]) * KernelSet.Lane
            + UpdateChunks * UpdateChunk.MaxLength
            + (rows <= WeightPass.GroupRows ? 0 : OpenSums * WeightPass.PanelsOfALargePart * WeightPass.InputsOfAPart * KernelSet.Lane);
        return sizeof(float) * (parameters + activations + scratch * threads);
    }

    private static int Padded(int count) => (count + KernelSet.Lane - 1) / KernelSet.Lane * KernelSet.Lane;
}
