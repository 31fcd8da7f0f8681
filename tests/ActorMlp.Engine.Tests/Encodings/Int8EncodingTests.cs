using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Encodings;

public sealed class Int8EncodingTests
{
    [Fact]
    public void Largest_value_is_kept_almost_and_takes_the_largest_byte()
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = GradientEncodingKind.Int8, BlockSize = 16 }, kernels);
            float[] gradient = Gradients.Of(1, 16), residual = new float[16];
            gradient[3] = -77.7f;
            byte[] encoded = Gradients.Encode(encoding, gradient, residual);
            Assert.Equal(77.7f / 127f, BitConverter.ToSingle(encoded));
            Assert.Equal(unchecked((byte)-127), encoded[4 + 3]);
            Assert.InRange(residual[3], -1e-5f, 1e-5f);
        }
    }

    [Fact]
    public void Block_of_zeros_or_of_too_little_is_sent_as_zeros_and_owed()
    {
        foreach ((KernelSet kernels, float value) in
            from kernels in KernelSelection.All
            from value in new[] { 0f, -0f, 1e-45f, -1.4e-36f }
            select (kernels, value))
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = GradientEncodingKind.Int8 }, kernels);
            float[] gradient = [.. Enumerable.Repeat(value, 64)], residual = new float[64];
            byte[] encoded = Gradients.Encode(encoding, gradient, residual);
            Assert.All(encoded, bits => Assert.Equal(0, bits));
            Assert.All(Numbers.Bits(Gradients.Decode(encoding, encoded, 64)), bits => Assert.Equal(0u, bits));
            Assert.Equal(gradient, residual);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Block_that_is_not_finite_is_NaN_throughout_and_its_neighbours_are_not(float bad)
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = GradientEncodingKind.Int8 }, kernels);
            float[] gradient = Gradients.Of(1, 192), residual = new float[192];
            gradient[70] = bad;
            byte[] encoded = Gradients.Encode(encoding, gradient, residual);
            Assert.Equal(0x7FC00000u, BitConverter.ToUInt32(encoded, 68));
            float[] decoded = Gradients.Decode(encoding, encoded, 192);
            Assert.All(decoded[64..128], value => Assert.True(float.IsNaN(value)));
            Assert.All(Numbers.Bits(residual)[64..128], bits => Assert.Equal(0x7FC00000u, bits));
            Assert.All(decoded[..64].Concat(decoded[128..]), value => Assert.True(float.IsFinite(value)));
        }
    }
}
