using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Batches;

/// <summary>What is kept of a layer between forward and backward, for some number of rows; rows are padded to 16 floats.</summary>
internal sealed class LayerMemory
{
    public LayerMemory(LayerLayout layout, bool hasDropout, int rows)
    {
        Stride = layout.PaddedUnits;
        Outputs = new AlignedBuffer(rows * Stride);
        Derivatives = new AlignedBuffer(rows * Stride);
        if (hasDropout)
        {
            Mask = new AlignedBuffer(rows * Stride);
            Dropped = new AlignedBuffer(rows * Stride);
        }
    }

    /// <summary>Floats from a row to the next.</summary>
    public int Stride { get; }

    /// <summary>y = f(z), <c>[rows, padded units]</c>.</summary>
    public AlignedBuffer Outputs { get; }

    /// <summary>d cost / d z, <c>[rows, padded units]</c>; zero in the padding.</summary>
    public AlignedBuffer Derivatives { get; }

    /// <summary>Dropout's factors, <c>[rows, padded units]</c>; null without dropout.</summary>
    public AlignedBuffer? Mask { get; }

    /// <summary>y times the mask; null without dropout.</summary>
    public AlignedBuffer? Dropped { get; }

    /// <summary>What the next layer reads in training.</summary>
    public AlignedBuffer Passed => Dropped ?? Outputs;
}
