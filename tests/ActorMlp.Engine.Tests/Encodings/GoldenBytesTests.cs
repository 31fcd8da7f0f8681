using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>Bytes as they go over the wire: what one version sends another must read.</summary>
public sealed class GoldenBytesTests
{
    private static readonly float[] Gradient =
        [1, -2, 0.1f, 0, -0f, 1e-6f, -3e-5f, 12.7f, 65504, 1e5f, -0.333333f, 7.5f, 1 / 3f, -100, 255, 1e-30f];

    public static TheoryData<GradientEncodingKind, string> Encoded => new()
    {
        { GradientEncodingKind.Float32, "0000803F000000C0CDCCCC3D0000000000000080BD37863582A8FBB733334B4100E07F470050C3479FAAAABE0000F040ABAAAA3E0000C8C200007F436042A20D" },
        { GradientEncodingKind.Bfloat16, "803F00C0CD3D000000808635FCB74B418047C347ABBEF040AB3EC8C27F43A20D" },
        { GradientEncodingKind.Float16, "003C00C0662E000000801100F7815A4AFF7B007C55B58047553540D6F85B0000" },
        { GradientEncodingKind.Int8, "B3D944440000000000000000537F000000000000" },
        { GradientEncodingKind.TopK, "080009000D000E0000E07F470050C3470000C8C200007F43" },
    };

    [Theory]
    [MemberData(nameof(Encoded))]
    public void Bytes_are_the_known_ones(GradientEncodingKind kind, string hex)
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var encoding = GradientEncoding.Create(new EncodingSpec { Kind = kind, Ratio = 0.25 }, kernels);
            float[] residual = new float[encoding.HasErrorFeedback ? Gradient.Length : 0];
            Assert.Equal(hex, Convert.ToHexString(Gradients.Encode(encoding, Gradient, residual)));
        }
    }

    [Fact]
    public void Residual_is_the_known_one()
    {
        float[] gradient = [127, 1.25f, -1.5f, 2.5f, 0.25f, -0.75f, .. new float[10]], residual = new float[16];
        residual[1] = 0.5f;
        byte[] encoded = Gradients.Encode(GradientEncoding.Create(new EncodingSpec { Kind = GradientEncodingKind.Int8 }), gradient, residual);
        Assert.Equal("0000803F" + "7F02FE0200FF" + "00000000000000000000", Convert.ToHexString(encoded));
        Assert.Equal([0, -0.25f, 0.5f, 0.5f, 0.25f, 0.25f, .. new float[10]], residual);
    }
}
