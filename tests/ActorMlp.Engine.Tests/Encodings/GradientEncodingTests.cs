using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;
using CsCheck;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>What all encodings promise.</summary>
public sealed class GradientEncodingTests
{
    private static IEnumerable<EncodingSpec> WithFeedback => Gradients.Specs.Where(spec => spec.HasErrorFeedback);

    [Fact]
    public void Bits_are_those_of_the_reference_at_every_width_and_length()
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            foreach (int length in Gradients.Lengths)
            {
                Gradients.SameAsReference(spec, Gradients.Of(1, length), Gradients.Of(2, length, 0.01f));
            }
        }
    }

    [Fact]
    public void Bits_are_those_of_the_reference_for_any_bits() => Gradients.Any.Sample(gradient =>
    {
        // What a diverged run might owe differs in what is not finite, and only in that.
        foreach (EncodingSpec spec in Gradients.Specs.Where(spec => !spec.HasErrorFeedback || gradient.All(float.IsFinite)))
        {
            Gradients.SameAsReference(spec, gradient, Gradients.Of(3, gradient.Length, 1e-3f));
        }
    }, iter: 2000);

    [Fact]
    public void Sent_and_owed_make_exactly_what_was_to_be_sent() => Gen.Select(Gradients.Moderate, Gen.Int[-12, 0]).Sample((gradient, exponent) =>
    {
        float[] before = [.. gradient.Reverse().Select(value => MathF.ScaleB(value, exponent))];
        foreach (EncodingSpec spec in WithFeedback)
        {
            var encoding = GradientEncoding.Create(spec);
            float[] residual = [.. before];
            float[] decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, gradient, residual), gradient.Length);
            for (int i = 0; i < gradient.Length; i++)
            {
                // In double precision the sum is exact: the parts' bits span less than 53.
                Assert.Equal((double)(gradient[i] + before[i]), (double)decoded[i] + residual[i]);
            }
        }
    }, iter: 500);

    [Fact]
    public void Error_is_bounded() => Gradients.Moderate.Sample(gradient =>
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            float[] decoded = Gradients.Decode(
                GradientEncoding.Create(spec),
                Gradients.Encode(GradientEncoding.Create(spec), gradient, new float[spec.HasErrorFeedback ? gradient.Length : 0]),
                gradient.Length);
            for (int i = 0; i < gradient.Length; i++)
            {
                float[] block = gradient[(i / spec.BlockSize * spec.BlockSize)..Math.Min(gradient.Length, (i / spec.BlockSize + 1) * spec.BlockSize)];
                double magnitude = Math.Abs((double)gradient[i]), bound = spec.Kind switch
                {
                    GradientEncodingKind.Float32 => 0,
                    GradientEncodingKind.Bfloat16 => Math.Max(magnitude * Math.ScaleB(1, -8), Math.ScaleB(1, -134)),
                    GradientEncodingKind.Float16 => Math.Max(magnitude * Math.ScaleB(1, -11), Math.ScaleB(1, -25)),

                    // s, x/s and q·s are rounded: three units of 2⁻²⁴ in up to 127. Blocks of next to nothing are sent as zeros.
                    GradientEncodingKind.Int8 =>
                        Math.Max(block.Max(Math.Abs) / 254.0 * (1 + 3 * 254 * Math.ScaleB(1, -24)), Math.Min(magnitude, 127 * Math.ScaleB(1, -126))),
                    _ => decoded[i] == 0 ? magnitude : 0,
                };
                Assert.InRange(Math.Abs((double)gradient[i] - decoded[i]), 0, bound);
            }
        }
    }, iter: 300);

    [Fact]
    public void Chunks_cut_at_the_granularity_give_the_bytes_of_the_whole() => Gen.Int[0, 1000].Sample(seed =>
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            var encoding = GradientEncoding.Create(spec);
            float[] gradient = Gradients.Of((ulong)seed, 3 * 4096 + 16 * (seed % 256)), residual = Gradients.Of((ulong)seed + 1, gradient.Length, 0.1f);
            float[] whole = spec.HasErrorFeedback ? [.. residual] : [], cut = spec.HasErrorFeedback ? residual : [];
            byte[] expected = Gradients.Encode(encoding, gradient, whole);
            var parts = new List<byte>();
            int step = encoding.Granularity * (1 + seed % 3);
            for (int start = 0; start < gradient.Length; start += step)
            {
                int end = Math.Min(gradient.Length, start + step);
                parts.AddRange(Gradients.Encode(encoding, gradient.AsSpan()[start..end], cut.Length == 0 ? default : cut.AsSpan()[start..end]));
            }

            Assert.Equal(0, encoding.Granularity % KernelSet.Lane);
            Assert.Equal(expected, parts);
            Assert.Equal(Numbers.Bits(whole), Numbers.Bits(cut));
        }
    }, iter: 10);

    [Fact]
    public void Values_that_are_not_finite_stay_visible()
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            foreach (float bad in new[] { float.NaN, -float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                foreach (KernelSet kernels in KernelSelection.All)
                {
                    var encoding = GradientEncoding.Create(spec, kernels);
                    float[] gradient = Gradients.Of(4, 4112, 1000), residual = new float[spec.HasErrorFeedback ? 4112 : 0];
                    gradient[4100] = bad;
                    float[] decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, gradient, residual), gradient.Length);
                    Assert.False(float.IsFinite(decoded[4100]));
                }
            }
        }
    }

    [Fact]
    public void Without_feedback_small_steady_gradients_are_lost_beside_large_ones_and_with_it_they_arrive()
    {
        foreach (GradientEncodingKind kind in new[] { GradientEncodingKind.Int8, GradientEncodingKind.TopK })
        {
            float[] gradient = new float[64], with = new float[64], without = new float[64];
            gradient.AsSpan().Fill(0.001f);
            gradient[5] = 1;
            Send(kind, true, gradient, with);
            Send(kind, false, gradient, without);

            // 0.001 is below half a scale, 1/254, and not the largest of 64 values.
            Assert.Equal(0, without[6]);

            // Top-k sends one value a step, and takes turns: at most every thousandth is another than the large one.
            Assert.InRange(with[6], kind == GradientEncodingKind.Int8 ? 3.99 : 2.9, 4.01);
        }

        static void Send(GradientEncodingKind kind, bool feedback, float[] gradient, float[] sum)
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = kind, ErrorFeedback = feedback });
            float[] residual = new float[feedback ? gradient.Length : 0];
            for (int step = 0; step < 4000; step++)
            {
                float[] decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, gradient, residual), gradient.Length);
                for (int i = 0; i < sum.Length; i++)
                {
                    sum[i] += decoded[i];
                }
            }
        }
    }

    [Theory]
    [InlineData(GradientEncodingKind.Float32, 4112, 16448)]
    [InlineData(GradientEncodingKind.Bfloat16, 4112, 8224)]
    [InlineData(GradientEncodingKind.Float16, 4112, 8224)]
    [InlineData(GradientEncodingKind.Int8, 4112, 4112 + 65 * 4)]
    [InlineData(GradientEncodingKind.TopK, 4112, (41 + 1) * 6)]
    [InlineData(GradientEncodingKind.Int8, 0, 0)]
    [InlineData(GradientEncodingKind.TopK, 0, 0)]
    public void Length_is_exact(GradientEncodingKind kind, int count, int bytes) =>
        Assert.Equal(bytes, GradientEncoding.Create(new EncodingSpec { Kind = kind }).EncodedLength(count));

    [Fact]
    public void Wrong_lengths_are_refused_before_anything_is_written()
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            var encoding = GradientEncoding.Create(spec);
            int owed = spec.HasErrorFeedback ? 32 : 0;
            byte[] bytes = new byte[encoding.EncodedLength(32)];
            float[] gradient = Gradients.Of(1, 32);
            Assert.Throws<ArgumentException>(() => encoding.EncodedLength(33));
            Assert.Throws<ArgumentException>(() => encoding.EncodedLength(-16));
            Assert.Throws<ArgumentException>(() => encoding.Encode(gradient, new float[owed], bytes.AsSpan()[1..]));
            Assert.Throws<ArgumentException>(() => encoding.Encode(gradient, new float[owed + 16], bytes));
            Assert.Throws<ArgumentException>(() => encoding.Encode(gradient.AsSpan()[1..], new float[owed], bytes));
            Assert.Throws<ArgumentException>(() => encoding.Decode(new byte[bytes.Length + 1], new float[32]));
            Assert.All(bytes, value => Assert.Equal(0, value));
        }

        Assert.Throws<ArgumentException>(() => GradientEncoding.Create(new EncodingSpec()).EncodedLength(1 << 30));
    }
}
