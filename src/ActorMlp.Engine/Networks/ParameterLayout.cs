using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ActorMlp.Engine.Networks;

/// <summary>Where a layer's parameters lie in the flat vector.</summary>
/// <param name="Inputs">Inputs of the layer.</param>
/// <param name="Units">Outputs of the layer.</param>
/// <param name="WeightsOffset">Where the weights start: panels of 16 units, <c>[Panels][Inputs][16]</c>.</param>
/// <param name="BiasOffset">Where the bias starts: <c>[Panels·16]</c>.</param>
public sealed record LayerLayout(int Inputs, int Units, int WeightsOffset, int BiasOffset)
{
    /// <summary>Panels of 16 units, the last one padded with zeros.</summary>
    public int Panels => (Units + ParameterLayout.PanelWidth - 1) / ParameterLayout.PanelWidth;

    /// <summary>Units, padded to whole panels.</summary>
    public int PaddedUnits => Panels * ParameterLayout.PanelWidth;

    /// <summary>Floats of the weights, padding included.</summary>
    public int WeightsLength => Inputs * PaddedUnits;

    /// <summary>One past the layer's last float.</summary>
    public int End => BiasOffset + PaddedUnits;

    /// <summary>Where the weight from <paramref name="input"/> to <paramref name="unit"/> lies.</summary>
    public int WeightIndex(int input, int unit) =>
        WeightsOffset + (unit / ParameterLayout.PanelWidth * Inputs + input) * ParameterLayout.PanelWidth
        + unit % ParameterLayout.PanelWidth;
}

/// <summary>
/// The flat vector of all parameters, layer after layer: weights in panels of 16 units as the kernels read them, then the bias. Gradients and
/// optimizer state lie the same way. Padding is zero, and stays zero under every update.
/// </summary>
public sealed class ParameterLayout
{
    /// <summary>Units in a panel.</summary>
    public const int PanelWidth = 16;

    /// <summary>The layout for a network's layer sizes.</summary>
    /// <exception cref="ArgumentException">The network has more parameters than one array holds.</exception>
    public ParameterLayout(NetworkSpec spec)
    {
        var layers = new List<LayerLayout>();
        long offset = 0;
        int inputs = spec.Inputs;
        foreach (LayerSpec layer in spec.Layers)
        {
            long padded = ((long)layer.Units + PanelWidth - 1) / PanelWidth * PanelWidth;
            long bias = offset + inputs * padded;
            if (bias + padded > Array.MaxLength)
            {
                throw new ArgumentException($"the network has more than {Array.MaxLength} parameters");
            }

            layers.Add(new LayerLayout(inputs, layer.Units, (int)offset, (int)bias));
            ParameterCount += ((long)inputs + 1) * layer.Units;
            offset = bias + padded;
            inputs = layer.Units;
        }

        Layers = layers;
        Length = (int)offset;
    }

    /// <summary>Floats of the flat vector, padding included; a multiple of 16.</summary>
    public int Length { get; }

    /// <summary>Number of parameters, padding not included.</summary>
    public long ParameterCount { get; }

    /// <summary>The layers, first hidden to output.</summary>
    public IReadOnlyList<LayerLayout> Layers { get; }

    /// <summary>The layer that a float of the flat vector belongs to.</summary>
    public int LayerOf(int index)
    {
        int layer = 0;
        while (index >= Layers[layer].End)
        {
            layer++;
        }

        return layer;
    }

    /// <summary>Copies a layer out: <paramref name="weights"/> as <c>[inputs, units]</c>, row-major, and <paramref name="bias"/> as <c>[units]</c>.</summary>
    public void ExportLayer(ReadOnlySpan<float> parameters, int layer, Span<float> weights, Span<float> bias)
    {
        LayerLayout at = Layers[layer];
        for (int panel = 0; panel < at.Panels; panel++)
        {
            int unit = panel * PanelWidth, width = Math.Min(PanelWidth, at.Units - unit);
            for (int input = 0; input < at.Inputs; input++)
            {
                parameters.Slice(at.WeightIndex(input, unit), width).CopyTo(weights[(input * at.Units + unit)..]);
            }
        }

        parameters.Slice(at.BiasOffset, at.Units).CopyTo(bias);
    }

    /// <summary>Copies a layer in, the inverse of <see cref="ExportLayer"/>; padding becomes zero.</summary>
    public void ImportLayer(Span<float> parameters, int layer, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        LayerLayout at = Layers[layer];
        parameters[at.WeightsOffset..at.End].Clear();
        for (int panel = 0; panel < at.Panels; panel++)
        {
            int unit = panel * PanelWidth, width = Math.Min(PanelWidth, at.Units - unit);
            for (int input = 0; input < at.Inputs; input++)
            {
                weights.Slice(input * at.Units + unit, width).CopyTo(parameters[at.WeightIndex(input, unit)..]);
            }
        }

        bias[..at.Units].CopyTo(parameters[at.BiasOffset..]);
    }

    /// <summary>
    /// SHA-256, in lower-case hexadecimal, over the parameters as little-endian float32: layer after layer the weights as
    /// <c>[inputs, units]</c>, row-major, then the bias. It does not depend on the layout.
    /// </summary>
    public string Sha256(ReadOnlySpan<float> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int layer = 0; layer < Layers.Count; layer++)
        {
            float[] weights = new float[Layers[layer].Inputs * Layers[layer].Units];
            float[] bias = new float[Layers[layer].Units];
            ExportLayer(parameters, layer, weights, bias);
            Append(hash, weights);
            Append(hash, bias);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, float[] values)
    {
        if (!BitConverter.IsLittleEndian)
        {
            Span<int> bits = MemoryMarshal.Cast<float, int>(values.AsSpan());
            System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(bits, bits);
        }

        hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
    }
}
