using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ActorMlp.Engine.Networks;

/// <summary>Where a layer's parameters lie in the flat vector.</summary>
/// <param name="Inputs">Inputs of the layer.</param>
/// <param name="Units">Units of the layer.</param>
/// <param name="Panels">Panels of 16 units.</param>
/// <param name="WeightsOffset">Where the weights begin: <c>[panels][inputs][16 units]</c>.</param>
/// <param name="WeightsLength">Floats of the weights, padding included.</param>
/// <param name="BiasOffset">Where the bias begins: <c>[panels][16 units]</c>.</param>
/// <param name="BiasLength">Floats of the bias, padding included.</param>
public sealed record LayerLayout(
    int Inputs, int Units, int Panels, int WeightsOffset, int WeightsLength, int BiasOffset, int BiasLength);

/// <summary>
/// The flat vector of a network's parameters; gradients and optimizer state have the same form. Per layer the weights in panels of 16
/// units, <c>[⌈units/16⌉][inputs][16]</c>, then the bias; units are padded with zeros, which stay zero for ever.
/// </summary>
/// <remarks>Every section's length is a multiple of 16 floats, so in an aligned vector every section begins a cache line.</remarks>
public sealed class ParameterLayout
{
    /// <summary>Units in a panel.</summary>
    public const int PanelWidth = 16;

    private readonly LayerLayout[] layers;

    internal ParameterLayout(NetworkSpec spec)
    {
        layers = new LayerLayout[spec.Layers.Count];
        long offset = 0;
        int inputs = spec.Inputs;
        for (int i = 0; i < layers.Length; i++)
        {
            int units = spec.Layers[i].Units;
            int panels = (units + PanelWidth - 1) / PanelWidth;
            long weights = (long)panels * inputs * PanelWidth;
            long end = offset + weights + panels * PanelWidth;
            if (end > Array.MaxLength)
            {
                throw new ArgumentException($"layer {i + 1} of {inputs}×{units} makes more parameters than one vector holds ({Array.MaxLength})");
            }

            layers[i] = new LayerLayout(inputs, units, panels, (int)offset, (int)weights, (int)(offset + weights), panels * PanelWidth);
            offset = end;
            ParameterCount += (long)inputs * units + units;
            inputs = units;
        }

        Length = (int)offset;
    }

    /// <summary>Floats of the flat vector, padding included.</summary>
    public int Length { get; }

    /// <summary>Weights and biases, without padding.</summary>
    public long ParameterCount { get; }

    /// <summary>The layers, first hidden to output.</summary>
    public IReadOnlyList<LayerLayout> Layers => layers;

    /// <summary>Copies a layer out of the flat vector.</summary>
    /// <param name="parameters">The flat vector.</param>
    /// <param name="layer">Which layer, from 0.</param>
    /// <param name="weights">Receives <c>[inputs, units]</c>, row by row.</param>
    /// <param name="bias">Receives <c>[units]</c>.</param>
    public void ExportLayer(ReadOnlySpan<float> parameters, int layer, Span<float> weights, Span<float> bias)
    {
        LayerLayout at = Check(parameters.Length, layer, weights.Length, bias.Length);
        for (int input = 0; input < at.Inputs; input++)
        {
            CopyRow(parameters, at, input, weights.Slice(input * at.Units, at.Units));
        }

        parameters.Slice(at.BiasOffset, at.Units).CopyTo(bias);
    }

    /// <summary>Copies an input's weights out of the flat vector.</summary>
    /// <param name="parameters">The flat vector.</param>
    /// <param name="layer">Which layer, from 0.</param>
    /// <param name="input">Which of its inputs, from 0.</param>
    /// <param name="row">Receives <c>[units]</c>.</param>
    public void ExportRow(ReadOnlySpan<float> parameters, int layer, int input, Span<float> row)
    {
        LayerLayout at = Check(parameters.Length, layer, int.MaxValue, row.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)input, (uint)at.Inputs, nameof(input));
        CopyRow(parameters, at, input, row[..at.Units]);
    }

    /// <summary>Copies a layer into the flat vector, the inverse of <see cref="ExportLayer"/>; padding becomes zero.</summary>
    /// <param name="parameters">The flat vector.</param>
    /// <param name="layer">Which layer, from 0.</param>
    /// <param name="weights"><c>[inputs, units]</c>, row by row.</param>
    /// <param name="bias"><c>[units]</c>.</param>
    public void ImportLayer(Span<float> parameters, int layer, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        LayerLayout at = Check(parameters.Length, layer, weights.Length, bias.Length);
        parameters.Slice(at.WeightsOffset, at.WeightsLength + at.BiasLength).Clear();
        for (int input = 0; input < at.Inputs; input++)
        {
            for (int unit = 0; unit < at.Units; unit += PanelWidth)
            {
                int count = Math.Min(PanelWidth, at.Units - unit);
                weights.Slice(input * at.Units + unit, count).CopyTo(parameters[WeightAt(at, input, unit)..]);
            }
        }

        bias[..at.Units].CopyTo(parameters[at.BiasOffset..]);
    }

    /// <summary>
    /// SHA-256, in lower-case hexadecimals, of the parameters as little-endian 32-bit floats: per layer the weights
    /// <c>[inputs, units]</c> row by row, then the bias. Independent of packing.
    /// </summary>
    public string Sha256(ReadOnlySpan<float> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int layer = 0; layer < layers.Length; layer++)
        {
            LayerLayout at = Check(parameters.Length, layer, int.MaxValue, int.MaxValue);
            float[] row = new float[at.Units];
            for (int input = 0; input < at.Inputs; input++)
            {
                CopyRow(parameters, at, input, row);
                hash.AppendData(MemoryMarshal.AsBytes<float>(row));
            }

            // Little-endian, as memory is on every processor that this engine runs on.
            hash.AppendData(MemoryMarshal.AsBytes(parameters.Slice(at.BiasOffset, at.Units)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The layer, from 0, to which an index of the flat vector belongs.</summary>
    public int LayerOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
        return Array.FindIndex(layers, layer => index < layer.BiasOffset + layer.BiasLength);
    }

    /// <summary>An input's weights, in the order of units.</summary>
    private static void CopyRow(ReadOnlySpan<float> parameters, LayerLayout at, int input, Span<float> row)
    {
        for (int unit = 0; unit < row.Length; unit += PanelWidth)
        {
            int count = Math.Min(PanelWidth, row.Length - unit);
            parameters.Slice(WeightAt(at, input, unit), count).CopyTo(row[unit..]);
        }
    }

    private static int WeightAt(LayerLayout layer, int input, int unit) =>
        layer.WeightsOffset + (unit / PanelWidth * layer.Inputs + input) * PanelWidth + unit % PanelWidth;

    private LayerLayout Check(int parameters, int layer, int weights, int bias)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)layers.Length, nameof(layer));
        LayerLayout at = layers[layer];
        if (parameters != Length)
        {
            throw new ArgumentException($"the vector has {parameters} floats, the layout {Length}", nameof(parameters));
        }

        if (weights < (long)at.Inputs * at.Units || bias < at.Units)
        {
            throw new ArgumentException($"layer {layer} has {at.Inputs}×{at.Units} weights and {at.Units} biases; given are {weights} and {bias}", nameof(weights));
        }

        return at;
    }
}
