using ActorMlp.Engine.Encodings;

namespace ActorMlp.Engine.Tests.Encodings;

public sealed class EncodingSpecTests
{
    [Theory]
    [InlineData(GradientEncodingKind.Float32, false)]
    [InlineData(GradientEncodingKind.Bfloat16, false)]
    [InlineData(GradientEncodingKind.Float16, false)]
    [InlineData(GradientEncodingKind.Int8, true)]
    [InlineData(GradientEncodingKind.TopK, true)]
    public void Kind_decides_on_feedback_unless_it_is_told(GradientEncodingKind kind, bool feedback)
    {
        var encoding = GradientEncoding.Create(new EncodingSpec { Kind = kind });
        Assert.Equal(feedback, encoding.HasErrorFeedback);
        Assert.Equal(kind, encoding.Spec.Kind);
        Assert.False(GradientEncoding.Create(new EncodingSpec { Kind = kind, ErrorFeedback = false }).HasErrorFeedback);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(0)]
    [InlineData(-64)]
    [InlineData(48)]
    [InlineData(8192)]
    public void Block_sizes_other_than_powers_of_two_are_refused(int size)
    {
        EncodingSpec spec = new() { Kind = GradientEncodingKind.Int8, BlockSize = size };
        Assert.Equal("BlockSize", Assert.Single(spec.Problems()).Property);
        Assert.Contains($"BlockSize is {size}; allowed are powers of two from 16 to 4096", Message(spec));
        Assert.Empty((spec with { Kind = GradientEncodingKind.TopK }).Problems());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-0.1)]
    [InlineData(0.26)]
    [InlineData(double.NaN)]
    public void Ratios_out_of_range_are_refused(double ratio) =>
        Assert.Contains("allowed is a share above 0 and up to 0.25", Message(new EncodingSpec { Kind = GradientEncodingKind.TopK, Ratio = ratio }));

    [Fact]
    public void Feedback_of_nothing_and_unknown_kinds_are_refused()
    {
        Assert.Contains("ErrorFeedback is on", Message(new EncodingSpec { ErrorFeedback = true }));
        Assert.Contains("9 is no encoding", Message(new EncodingSpec { Kind = (GradientEncodingKind)9 }));
    }

    private static string Message(EncodingSpec spec) => Assert.Throws<ArgumentException>(() => GradientEncoding.Create(spec)).Message;
}
