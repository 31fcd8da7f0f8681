using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Tests.Encodings;

/// <summary>Training with gradients that travel encoded. Runs have fixed bits, so what holds once holds always.</summary>
public sealed class EncodingConvergenceTests : IDisposable
{
    private const int Steps = 1000;

    private readonly EncodedTraining training = new();

    public void Dispose() => training.Dispose();

    // Seen are 0.01, 0.02, 0.01, 0.00, 0.07, 0.08 and -1.0 %: fine roundings do no more than change the path a little. No order is
    // asserted between int8 with and without feedback: its rounding is finer than this problem's noise (-0.04 % without).
    [Theory]
    [InlineData(GradientEncodingKind.Bfloat16, false, 0, 0.003)]
    [InlineData(GradientEncodingKind.Bfloat16, true, 0, 0.003)]
    [InlineData(GradientEncodingKind.Float16, false, 0, 0.003)]
    [InlineData(GradientEncodingKind.Float16, true, 0, 0.003)]
    [InlineData(GradientEncodingKind.Int8, true, 0, 0.003)]
    [InlineData(GradientEncodingKind.TopK, true, 0.25, 0.003)]
    [InlineData(GradientEncodingKind.TopK, true, 0.01, 0.02)]
    public void Loss_ends_near_that_of_float32(GradientEncodingKind kind, bool feedback, double ratio, double tolerance)
    {
        (double expected, string exactly) = training.Run(new EncodingSpec(), Steps, KernelSelection.Current);
        (double loss, string sha256) = training.Run(new EncodingSpec { Kind = kind, ErrorFeedback = feedback, Ratio = ratio }, Steps, KernelSelection.Current);
        Assert.InRange(expected, 0.5, 1);
        Assert.NotEqual(exactly, sha256);
        Assert.InRange(loss / expected, 1 - tolerance, 1 + tolerance);
    }

    [Fact]
    public void Top_k_without_feedback_lags_far_behind()
    {
        EncodingSpec spec = new() { Kind = GradientEncodingKind.TopK };
        (double with, _) = training.Run(spec, Steps, KernelSelection.Current);
        (double without, _) = training.Run(spec with { ErrorFeedback = false }, Steps, KernelSelection.Current);

        // Seen is a factor of 1.50: coordinates that are never among the largest never move.
        Assert.True(without > 1.3 * with, $"{without} without, {with} with feedback");
    }

    [Fact]
    public void Weights_depend_neither_on_kernels_nor_on_where_vectors_are_cut()
    {
        foreach (EncodingSpec spec in Gradients.Specs)
        {
            (_, string expected) = training.Run(spec, 20, KernelSelection.All[^1]);
            int granularity = GradientEncoding.Create(spec).Granularity;
            foreach (KernelSet kernels in KernelSelection.All)
            {
                Assert.Equal(expected, training.Run(spec, 20, kernels, granularity).Sha256);
            }
        }
    }
}
