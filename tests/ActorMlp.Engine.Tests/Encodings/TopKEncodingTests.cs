using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using CsCheck;

namespace ActorMlp.Engine.Tests.Encodings;

public sealed class TopKEncodingTests
{
    private static readonly EncodingSpec Spec = new() { Kind = GradientEncodingKind.TopK, Ratio = 0.25 };

    [Fact]
    public void Ties_go_to_the_lower_index()
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(Spec, kernels);
            float[] gradient = new float[16], residual = new float[16];
            (gradient[9], gradient[2], gradient[13], gradient[4], gradient[15], gradient[7]) = (-5, 1, -1, 3, 1, 1);
            float[] decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, gradient, residual), 16);
            Assert.Equal([0, 0, 1, 0, 3, 0, 0, 1, 0, -5, 0, 0, 0, 0, 0, 0], decoded);
            Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 1], residual);
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    [InlineData(3.4028235e38f)]
    [InlineData(float.NaN)]
    public void Equal_values_give_the_first_indices(float value)
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(Spec, kernels);
            float[] gradient = [.. Enumerable.Repeat(value, 4096)], residual = new float[4096];
            byte[] encoded = Gradients.Encode(encoding, gradient, residual);
            Assert.Equal(Enumerable.Range(0, 1024), Enumerable.Range(0, 1024).Select(i => (int)BitConverter.ToUInt16(encoded, 2 * i)));
            Assert.All(residual[..1024], owed => Assert.Equal(0, owed));
            Assert.Equal(gradient[1024..], residual[1024..]);
        }
    }

    [Fact]
    public void Selection_is_that_of_a_sort_for_any_ratio() =>
        Gen.Select(Gradients.Any, Gen.Double[1e-4, EncodingSpec.LargestRatio], Gen.Bool).Sample((gradient, ratio, feedback) =>
        {
            // Owed values are zero: any bits may come in, as nothing of them is added.
            float[] finite = feedback ? [.. gradient.Select(value => float.IsFinite(value) ? value : 1)] : gradient;
            Gradients.SameAsReference(Spec with { Ratio = ratio, ErrorFeedback = feedback }, finite, new float[finite.Length]);
        }, iter: 1000);

    [Fact]
    public void Every_value_is_sent_in_the_end()
    {
        // Deep Gradient Compression's argument: what waits grows until it is among the largest.
        var encoding = GradientEncoding.Create(Spec with { Ratio = 0.01 });
        float[] gradient = [.. Gradients.Of(8, 4096).Select(value => value + MathF.CopySign(0.01f, value))], residual = new float[4096];
        bool[] sent = new bool[4096];
        for (int step = 0; step < 20_000 && !sent.All(once => once); step++)
        {
            float[] decoded = Gradients.Decode(encoding, Gradients.Encode(encoding, gradient, residual), 4096);
            for (int i = 0; i < sent.Length; i++)
            {
                sent[i] |= decoded[i] != 0;
            }
        }

        Assert.All(sent, Assert.True);
    }

    [Theory]
    [InlineData(16, 1)]
    [InlineData(65535, 1)]
    [InlineData(3, 3)]
    [InlineData(2, 3)]
    public void Bytes_that_no_encoder_wrote_are_refused(ushort second, ushort first)
    {
        var encoding = GradientEncoding.Create(Spec);
        byte[] encoded = Gradients.Encode(encoding, Gradients.Of(1, 16), new float[16]);
        BitConverter.TryWriteBytes(encoded.AsSpan(0), first);
        BitConverter.TryWriteBytes(encoded.AsSpan(2), second);
        Assert.Throws<InvalidDataException>(() => encoding.Decode(encoded, new float[16]));
    }
}
