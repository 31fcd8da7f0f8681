using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>The 16-bit formats, exhaustively where there are few enough values.</summary>
public sealed class HalfFloatTests
{
    private const int Halves = 1 << 16;

    public static TheoryData<GradientEncodingKind> Kinds => [GradientEncodingKind.Bfloat16, GradientEncodingKind.Float16];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_value_decodes_to_its_float_and_back(GradientEncodingKind kind)
    {
        byte[] all = [.. Enumerable.Range(0, Halves).SelectMany(half => BitConverter.GetBytes((ushort)half))];
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = kind }, kernels);
            float[] values = Gradients.Decode(encoding, all, Halves);
            byte[] again = Gradients.Encode(encoding, values, []);
            for (int half = 0; half < Halves; half++)
            {
                float expected = kind == GradientEncodingKind.Float16
                    ? (float)BitConverter.UInt16BitsToHalf((ushort)half)
                    : BitConverter.UInt32BitsToSingle((uint)half << 16);
                if (float.IsNaN(expected))
                {
                    Assert.True(float.IsNaN(values[half]));
                    Assert.Equal(kind == GradientEncodingKind.Float16 ? 0x7E00 : 0x7FC0, BitConverter.ToUInt16(again, 2 * half));
                }
                else
                {
                    Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(values[half]));
                    Assert.Equal(half, BitConverter.ToUInt16(again, 2 * half));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Midpoints_and_their_neighbours_round_as_the_reference_does(GradientEncodingKind kind)
    {
        // Around every value and every midpoint between two, both signs, also where float32 goes on beyond the format.
        int shift = kind == GradientEncodingKind.Float16 ? 13 : 16;
        var floats = new List<float>();
        for (uint step = 0; step < 1u << (32 - shift); step += kind == GradientEncodingKind.Float16 ? 3u : 1u)
        {
            uint exact = step << shift, middle = exact + (1u << (shift - 1));
            floats.AddRange(new[] { exact, exact + 1, middle - 1, middle, middle + 1 }.Select(BitConverter.UInt32BitsToSingle));
        }

        if (kind == GradientEncodingKind.Float16)
        {
            // Midpoints of subnormals do not lie at a fixed bit of a float.
            for (int i = 0; i < 1024; i++)
            {
                float middle = (i + 0.5f) / (1 << 24);
                floats.AddRange([MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle), -middle]);
            }
        }

        float[] values = [.. floats, .. new float[(16 - floats.Count % 16) % 16]];
        Func<float, ushort> narrow = kind == GradientEncodingKind.Float16 ? ReferenceEncoding.Float16 : ReferenceEncoding.BFloat16;
        byte[] expected = [.. values.Select(narrow).SelectMany(BitConverter.GetBytes)];
        foreach (KernelSet kernels in KernelSelection.All)
        {
            byte[] encoded = Gradients.Encode(GradientEncoding.Create(new EncodingSpec { Kind = kind }, kernels), values, []);
            Assert.True(expected.AsSpan().SequenceEqual(encoded), $"{kernels.Name}: {FirstDifference(values, expected, encoded)}");
        }
    }

    [Theory]
    [InlineData(GradientEncodingKind.Float16, 65519.996f, 65504f)]
    [InlineData(GradientEncodingKind.Float16, 65520f, float.PositiveInfinity)]
    [InlineData(GradientEncodingKind.Float16, -1e9f, float.NegativeInfinity)]
    [InlineData(GradientEncodingKind.Float16, 2.9802322E-08f, 0f)]
    [InlineData(GradientEncodingKind.Float16, 2.9802326E-08f, 5.9604645E-08f)]
    [InlineData(GradientEncodingKind.Bfloat16, 3.3961775e38f, float.PositiveInfinity)]
    [InlineData(GradientEncodingKind.Bfloat16, 3.3961774e38f, 3.3895314e38f)]
    [InlineData(GradientEncodingKind.Bfloat16, 1e-40f, 9.183549615799121e-41f)]
    public void Ends_of_the_range_are_as_documented(GradientEncodingKind kind, float value, float expected)
    {
        var encoding = GradientEncoding.Create(new EncodingSpec { Kind = kind });
        float decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, [.. Enumerable.Repeat(value, 16)], []), 16)[9];
        Assert.Equal(Numbers.Bits([expected]), Numbers.Bits([decoded]));
    }

    private static string FirstDifference(float[] values, byte[] expected, byte[] actual)
    {
        int at = expected.AsSpan().CommonPrefixLength(actual) / 2;
        return at < values.Length ? $"{values[at]:R} is {BitConverter.ToUInt16(actual, 2 * at):X4}, not {BitConverter.ToUInt16(expected, 2 * at):X4}" : "equal";
    }
}
