using ActorMlp.Engine.Encodings;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>The encodings again, value by value in the plainest way: what every set of kernels must equal bit for bit.</summary>
internal static class ReferenceEncoding
{
    private const int Segment = 4096;

    private static readonly float OneNaN = BitConverter.UInt32BitsToSingle(0x7FC00000);

    /// <summary>The bytes of a chunk, and the floats that they stand for. The residual, empty for none, is updated.</summary>
    public static (byte[] Encoded, float[] Decoded) Encode(EncodingSpec spec, float[] gradient, float[] residual)
    {
        float[] x = residual.Length == 0 ? gradient : [.. gradient.Zip(residual, (g, r) => g + r)];
        (byte[] Encoded, float[] Decoded) result = spec.Kind switch
        {
            GradientEncodingKind.Float32 => ([.. x.SelectMany(BitConverter.GetBytes)], x),
            GradientEncodingKind.Bfloat16 => Halves(x, BFloat16, half => BitConverter.UInt32BitsToSingle((uint)half << 16)),
            GradientEncodingKind.Float16 => Halves(x, Float16, half => (float)BitConverter.UInt16BitsToHalf(half)),
            GradientEncodingKind.Int8 => Bytes(x, spec.BlockSize),
            _ => Largest(x, spec.Ratio),
        };
        for (int i = 0; i < residual.Length; i++)
        {
            float difference = x[i] - result.Decoded[i];
            residual[i] = float.IsNaN(difference) ? OneNaN : difference;
        }

        return result;
    }

    /// <summary>The nearer of the two bfloat16 neighbours, measured in double precision; of equally near ones the even.</summary>
    public static ushort BFloat16(float value)
    {
        if (float.IsNaN(value))
        {
            return 0x7FC0;
        }

        uint bits = BitConverter.SingleToUInt32Bits(value), low = bits >> 16, high = low + 1;
        if (float.IsInfinity(value))
        {
            return (ushort)low;
        }

        // As if the exponent went on: where infinity lies, the next number would be 2¹²⁸.
        double Of(uint half) => (half & 0x7FFF) == 0x7F80 ? Math.ScaleB(1, 128) : Math.Abs(BitConverter.UInt32BitsToSingle(half << 16));
        double below = Math.Abs((double)value) - Of(low), above = Of(high) - Math.Abs((double)value);
        return (ushort)(below < above || (below == above && low % 2 == 0) ? low : high);
    }

    /// <summary>The runtime's conversion, with one NaN.</summary>
    public static ushort Float16(float value) => float.IsNaN(value) ? (ushort)0x7E00 : BitConverter.HalfToUInt16Bits((Half)value);

    private static (byte[] Encoded, float[] Decoded) Halves(float[] x, Func<float, ushort> narrow, Func<ushort, float> widen)
    {
        ushort[] halves = [.. x.Select(narrow)];
        return ([.. halves.SelectMany(BitConverter.GetBytes)], [.. halves.Select(widen)]);
    }

    private static (byte[] Encoded, float[] Decoded) Bytes(float[] x, int blockSize)
    {
        var encoded = new List<byte>();
        var decoded = new List<float>();
        foreach (float[] block in x.Chunk(blockSize))
        {
            float scale = block.All(float.IsFinite) ? block.Max(MathF.Abs) / 127f : OneNaN;
            scale = float.IsSubnormal(scale) ? 0 : scale;
            encoded.AddRange(BitConverter.GetBytes(scale));
            foreach (float value in block)
            {
                float q = float.IsNormal(scale) ? MathF.Round(value / scale, MidpointRounding.ToEven) : 0;
                encoded.Add((byte)(sbyte)q);

                // No byte holds -0.
                decoded.Add((q == 0 ? 0 : q) * scale);
            }
        }

        return ([.. encoded], [.. decoded]);
    }

    private static (byte[] Encoded, float[] Decoded) Largest(float[] x, double ratio)
    {
        var encoded = new List<byte>();
        float[] decoded = new float[x.Length];
        for (int start = 0; start < x.Length; start += Segment)
        {
            int count = Math.Min(Segment, x.Length - start), first = start;
            int kept = Math.Max(1, (int)Math.Round(ratio * count, MidpointRounding.ToEven));
            int[] indices =
            [
                .. Enumerable.Range(0, count)
                    .OrderByDescending(i => BitConverter.SingleToUInt32Bits(x[first + i]) & 0x7FFFFFFF)
                    .ThenBy(i => i)
                    .Take(kept)
                    .Order(),
            ];
            encoded.AddRange(indices.SelectMany(i => BitConverter.GetBytes((ushort)i)));
            foreach (int i in indices)
            {
                float value = float.IsNaN(x[first + i]) ? OneNaN : x[first + i];
                encoded.AddRange(BitConverter.GetBytes(value));
                decoded[first + i] = value;
            }
        }

        return ([.. encoded], decoded);
    }
}
