using System.Runtime.InteropServices;
using ActorMlp.Engine.Networks;

namespace ActorMlp.Training.Storage;

/// <summary>Between the flat vector and the tensors of a file: <c>layers.N.weight</c> <c>[inputs, units]</c> and <c>layers.N.bias</c> <c>[units]</c>.</summary>
internal static class LayerTensors
{
    /// <summary>The tensors of a flat vector, which must not change until they are written.</summary>
    /// <param name="layout">Where its parameters lie.</param>
    /// <param name="values">The vector.</param>
    /// <param name="prefix">What their names start with.</param>
    public static IEnumerable<TensorSource> Export(ParameterLayout layout, ReadOnlyMemory<float> values, string prefix) =>
        layout.Layers.SelectMany((layer, i) => new TensorSource[]
        {
            new($"{prefix}layers.{i}.weight", TensorType.F32, [layer.Inputs, layer.Units], stream => WriteWeights(layout, values.Span, i, stream)),
            new($"{prefix}layers.{i}.bias", TensorType.F32, [layer.Units], stream => stream.Write(MemoryMarshal.AsBytes(values.Span.Slice(layer.BiasOffset, layer.Units)))),
        });

    /// <summary>The flat vector of a file's tensors.</summary>
    /// <exception cref="StorageException">A tensor is missing or has another shape.</exception>
    public static void Import(string path, SafetensorsContent content, ParameterLayout layout, string prefix, Span<float> values)
    {
        for (int i = 0; i < layout.Layers.Count; i++)
        {
            LayerLayout layer = layout.Layers[i];
            float[] weights = Get(path, content, $"{prefix}layers.{i}.weight", layer.Inputs, layer.Units).ToFloats();
            float[] bias = Get(path, content, $"{prefix}layers.{i}.bias", layer.Units).ToFloats();
            layout.ImportLayer(values, i, weights, bias);
        }
    }

    /// <summary>A tensor of the shape that is expected.</summary>
    public static Tensor Get(string path, SafetensorsContent content, string name, params long[] shape) =>
        content.Tensors.TryGetValue(name, out Tensor? tensor) && tensor.Shape.SequenceEqual(shape)
            ? tensor
            : throw new StorageException(path, $"has no tensor '{name}' of shape [{string.Join(", ", shape)}]; is it of another network?");

    private static void WriteWeights(ParameterLayout layout, ReadOnlySpan<float> values, int layer, Stream stream)
    {
        float[] row = new float[layout.Layers[layer].Units];
        for (int input = 0; input < layout.Layers[layer].Inputs; input++)
        {
            layout.ExportRow(values, layer, input, row);
            stream.Write(MemoryMarshal.AsBytes<float>(row));
        }
    }
}
