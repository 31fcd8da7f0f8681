using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Tests.Runs;

public sealed class EncodingPlanTests
{
    [Theory]
    [InlineData(GradientEncodingKind.Bfloat16, 4, 4, null)]
    [InlineData(GradientEncodingKind.Bfloat16, 4, 2, "each of 2 workers sends up to 2 sums of 0.5 times")]
    [InlineData(GradientEncodingKind.Int8, 4, 2, null)]
    [InlineData(GradientEncodingKind.Int8, 8, 2, "each of 2 workers sends up to 4 sums of 0.266 times")]
    [InlineData(GradientEncodingKind.TopK, 64, 1, null)]
    [InlineData(GradientEncodingKind.TopK, 4, 5, "only as many of the 5 workers compute")]
    public void Advice_says_where_an_encoding_cannot_pay(GradientEncodingKind kind, int subtrees, int workers, string? expected)
    {
        string? advice = new EncodingPlan(new EncodingSpec { Kind = kind }, subtrees).Advice(workers, 1 << 16);
        if (expected is null)
        {
            Assert.Null(advice);
        }
        else
        {
            Assert.Contains(expected, advice, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ResidualNames_are_one_for_each_subtree_where_something_is_owed()
    {
        Assert.Equal(["residual.0", "residual.1"], new EncodingPlan(new EncodingSpec { Kind = GradientEncodingKind.Int8 }, 2).ResidualNames);
        Assert.Empty(new EncodingPlan(new EncodingSpec { Kind = GradientEncodingKind.Bfloat16 }, 2).ResidualNames);
        Assert.Empty(new EncodingPlan(new EncodingSpec { Kind = GradientEncodingKind.Int8, ErrorFeedback = false }, 2).ResidualNames);
    }
}
