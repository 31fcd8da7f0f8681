using ActorMlp.Engine.Networks;

namespace ActorMlp.Training.Storage;

/// <summary>Between the flat vector and the tensors of a file: <c>layers.N.weight</c> <c>[inputs, units]</c> and <c>layers.N.bias</c> <c>[units]</c>.</summary>
internal static class LayerTensors
{
    /// <summary>The tensors of a flat vector.</summary>
    /// <param name="layout">Where its parameters lie.</param>
    /// <param name="values">The vector.</param>
    /// <param name="prefix">What their names start with.</param>
    public static IEnumerable<Tensor> Export(ParameterLayout layout, ReadOnlyMemory<float> values, string prefix)
    {
        for (int i = 0; i < layout.Layers.Count; i++)
        {
            LayerLayout layer = layout.Layers[i];
            var weights = new float[layer.Inputs * layer.Units];
            var bias = new float[layer.Units];
            layout.ExportLayer(values.Span, i, weights, bias);
            yield return Tensor.From($"{prefix}layers.{i}.weight", weights, layer.Inputs, layer.Units);
            yield return Tensor.From($"{prefix}layers.{i}.bias", bias, layer.Units);
        }
    }

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
}
