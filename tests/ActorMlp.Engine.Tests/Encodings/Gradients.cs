using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;
using CsCheck;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>Gradients to encode, and short ways to encode them.</summary>
internal static class Gradients
{
    /// <summary>Lengths around blocks, segments and vectors.</summary>
    public static readonly int[] Lengths = [0, 16, 32, 48, 64, 80, 112, 128, 144, 1008, 2064, 4080, 4096, 4112, 8192, 8208];

    /// <summary>One of each kind, with both settings of error feedback and several blocks and ratios.</summary>
    public static readonly EncodingSpec[] Specs =
    [
        new() { Kind = GradientEncodingKind.Float32 },
        new() { Kind = GradientEncodingKind.Bfloat16 },
        new() { Kind = GradientEncodingKind.Bfloat16, ErrorFeedback = true },
        new() { Kind = GradientEncodingKind.Float16 },
        new() { Kind = GradientEncodingKind.Float16, ErrorFeedback = true },
        new() { Kind = GradientEncodingKind.Int8 },
        new() { Kind = GradientEncodingKind.Int8, ErrorFeedback = false },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 16 },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 4096 },
        new() { Kind = GradientEncodingKind.TopK },
        new() { Kind = GradientEncodingKind.TopK, ErrorFeedback = false },
        new() { Kind = GradientEncodingKind.TopK, Ratio = 0.25 },
        new() { Kind = GradientEncodingKind.TopK, Ratio = 1e-9 },
    ];

    /// <summary>Numbers like those of a gradient: magnitudes over some twelve binary orders, one in eight zero.</summary>
    public static float[] Of(ulong seed, int length, float scale = 1)
    {
        float[] draws = Numbers.Row(seed, 0, 2 * length);
        return [.. Enumerable.Range(0, length).Select(i => draws[length + i] > 0.75f ? 0 : scale * draws[i] * MathF.ScaleB(1, (int)(8 * draws[length + i])))];
    }

    /// <summary>Bit patterns of every sort: any at all, subnormal, special, equal magnitudes, gradient-like.</summary>
    public static readonly Gen<float[]> Any =
        from sixteens in Gen.Int[1, 20]
        from sort in Gen.Int[0, 4]
        from values in (sort switch
        {
            0 => Gen.UInt.Select(BitConverter.UInt32BitsToSingle),
            1 => Gen.UInt[0, 0x00FFFFFF].Select(bits => BitConverter.UInt32BitsToSingle((bits << 31) | (bits >> 1))),
            2 => Among(0f, -0f, 1f, -1f, 65504f, 65520f, 3.4e38f, -3.4e38f, float.Epsilon, float.PositiveInfinity, float.NaN),
            3 => Among(0f, -0f, 2f, -2f, 3f),
            _ => Gen.Float[-10, 10],
        }).Array[16 * sixteens]
        select values;

    /// <summary>Like <see cref="Any"/>, but nothing whose sums or scales leave the finite or the normal numbers.</summary>
    public static readonly Gen<float[]> Moderate =
        from sixteens in Gen.Int[1, 20]
        from exponent in Gen.Int[-40, 8]
        from values in Gen.Float[-1, 1].Array[16 * sixteens]
        select (float[])[.. values.Select(value => MathF.ScaleB(value, exponent))];

    public static byte[] Encode(GradientEncoding encoding, ReadOnlySpan<float> gradient, Span<float> residual)
    {
        // At an odd address, between guards: nothing outside may change.
        byte[] framed = new byte[encoding.EncodedLength(gradient.Length) + 2];
        framed.AsSpan().Fill(0xA5);
        encoding.Encode(gradient, residual, framed.AsSpan()[1..^1]);
        Assert.Equal((0xA5, 0xA5), (framed[0], framed[^1]));
        return framed[1..^1];
    }

    public static float[] Decode(GradientEncoding encoding, byte[] encoded, int count)
    {
        float[] framed = new float[count + 2];
        framed.AsSpan().Fill(7);
        encoding.Decode(encoded, framed.AsSpan()[1..^1]);
        Assert.Equal((7, 7), (framed[0], framed[^1]));
        return framed[1..^1];
    }

    /// <summary>Encodes once with each set of kernels and compares bytes, decoded floats and residual with the reference.</summary>
    public static void SameAsReference(EncodingSpec spec, float[] gradient, float[] residual)
    {
        float[] owed = spec.HasErrorFeedback ? [.. residual] : [];
        (byte[] encoded, float[] decoded) = ReferenceEncoding.Encode(spec, gradient, owed);
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(spec, kernels);
            float[] mine = spec.HasErrorFeedback ? [.. residual] : [];
            Assert.Equal(encoded, Encode(encoding, gradient, mine));
            Assert.Equal(Numbers.Bits(owed), Numbers.Bits(mine));
            Assert.Equal(Numbers.Bits(decoded), Numbers.Bits(Decode(encoding, encoded, gradient.Length)));
        }
    }

    private static Gen<float> Among(params float[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
