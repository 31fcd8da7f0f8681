using ActorMlp.Engine.Networks;

namespace ActorMlp.Engine.Optimizers;

/// <summary>Some parameters of one section, a layer's weights or its bias, which are updated while they are in the first-level cache.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="Offset">Its first float.</param>
/// <param name="Length">Its floats.</param>
/// <param name="Weights">Whether they are weights; penalties leave biases alone.</param>
internal readonly record struct UpdateChunk(int Layer, int Offset, int Length, bool Weights)
{
    /// <summary>Parameters of a chunk; chunks are cut from each section's start, and norms are summed by chunks.</summary>
    public const int MaxLength = 2048;

    /// <summary>The chunks of a range, ascending; those at its ends may be cut short.</summary>
    public static UpdateChunk[] Of(ParameterLayout layout, ParameterRange range)
    {
        var list = new List<UpdateChunk>();
        for (int layer = 0; layer < layout.Layers.Count; layer++)
        {
            LayerLayout at = layout.Layers[layer];
            Cut(list, layer, at.WeightsOffset, at.WeightsLength, true, range);
            Cut(list, layer, at.BiasOffset, at.BiasLength, false, range);
        }

        return [.. list];
    }

    /// <summary>Where a range may begin or end such that every update has the bits of one over the whole vector, from 0 to the vector's length.</summary>
    /// <param name="layout">The vector.</param>
    /// <param name="wholeChunks">Whether norms of chunks count: the gradient's norm is bounded.</param>
    /// <param name="wholePanels">Whether norms of units count: theirs are bounded.</param>
    public static IReadOnlyList<int> CutPoints(ParameterLayout layout, bool wholeChunks, bool wholePanels)
    {
        var points = new List<int>();
        foreach (LayerLayout layer in layout.Layers)
        {
            int panel = layer.Inputs * ParameterLayout.PanelWidth;
            int step = wholePanels ? panel : MaxLength;
            for (int start = 0; start < layer.WeightsLength; start += step)
            {
                if (!wholeChunks || start % MaxLength == 0)
                {
                    points.Add(layer.WeightsOffset + start);
                }
            }

            for (int start = 0; start < layer.BiasLength; start += MaxLength)
            {
                points.Add(layer.BiasOffset + start);
            }
        }

        points.Add(layout.Length);
        return points;
    }

    private static void Cut(List<UpdateChunk> list, int layer, int offset, int length, bool weights, ParameterRange range)
    {
        for (int start = 0; start < length; start += MaxLength)
        {
            int from = Math.Max(range.Offset, offset + start);
            int to = Math.Min(range.End, offset + Math.Min(length, start + MaxLength));
            if (from < to)
            {
                list.Add(new UpdateChunk(layer, from, to - from, weights));
            }
        }
    }
}
