using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Random;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Numerics;

/// <summary>Elementwise kernels: the same bits at every width as the scalar twin.</summary>
public sealed class ElementwiseTests
{
    private const int Lane = KernelSet.Lane;

    [Fact]
    public void Activations_and_derivatives_are_the_same_at_every_width() => SameEverywhere((kernels, count) =>
    {
        var results = new List<float>();
        foreach (ActivationKind kind in Enum.GetValues<ActivationKind>().Where(kind => kind != ActivationKind.Softmax))
        {
            AlignedBuffer z = Filled(1, count, 6), d = Filled(2, count, 1);
            kernels.Activate(kind, 0.1f, z.Region, z.Region, count);
            kernels.Differentiate(kind, 0.1f, z.Region, d.Region, count);
            results.AddRange([.. z.Span, .. d.Span]);
        }

        return results;
    });

    [Fact]
    public void Losses_are_the_same_at_every_width() => SameEverywhere((kernels, count) =>
    {
        int units = Math.Max(1, count / Lane);
        AlignedBuffer z = Filled(3, units * Lane, 8), t = Filled(4, units * Lane, 1), dz = new(units * Lane);
        uint[] labels = [.. Enumerable.Range(0, Lane).Select(i => (uint)(i % units))], decisions = new uint[Lane];
        float[] loss = new float[Lane];
        var results = new List<float>();
        kernels.SoftmaxLoss(z.Region, units, labels, dz.Region, loss);
        results.AddRange([.. dz.Span, .. loss]);
        kernels.LogisticLoss(z.Region, t.Region, units, dz.Region, loss);
        results.AddRange([.. dz.Span, .. loss]);
        kernels.SquaredLoss(z.Region, t.Region, units, dz.Region, loss);
        results.AddRange([.. dz.Span, .. loss]);
        kernels.Softmax(z.Region, units, dz.Region);
        results.AddRange([.. dz.Span]);
        kernels.ArgMax(z.Region, units, decisions);
        results.AddRange(decisions.Select(decision => (float)decision));
        return results;
    });

    [Fact]
    public void Updates_are_the_same_at_every_width() => SameEverywhere((kernels, count) =>
    {
        var results = new List<float>();
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            var rule = new UpdateRule
            {
                Kind = kind,
                Rate = 0.01f,
                Decay = 0.9f,
                Gain = 0.1f,
                SecondDecay = 0.999f,
                SecondGain = 0.001f,
                SecondCorrection = 3,
                Epsilon = 1e-8f,
                Shrink = 0.99f,
            };
            AlignedBuffer g = Filled(5, count, 1), w = Filled(6, count, 1), first = new(count), second = new(count);
            for (int step = 0; step < 3; step++)
            {
                kernels.MeanGradient(g.Region, w.Region, g.Region, 0.3f, 0.01f, 0.02f, count);
                Assert.True(kernels.Update(rule, g.Region, w.Region, first.Region, second.Region, count));
                kernels.Scale(g.Region, 2.7f, count);
                kernels.ScaleColumns(w.Region, Numbers.Row(9, 0, Lane), count);
                kernels.Add(g.Region, w.Region, g.Region, count);
            }

            results.AddRange([.. g.Span, .. w.Span, .. first.Span, .. second.Span]);
        }

        return results;
    });

    [Theory]
    [InlineData(1, 0.5f, 0)]
    [InlineData(7, 0.1f, 4)]
    [InlineData(65, 0.25f, 788)]
    [InlineData(784, 0.999f, 0)]
    public void Dropout_mask_is_the_scalar_draw_at_every_width(int units, float p, int firstIndex)
    {
        uint threshold = (uint)(p * 4294967296.0);
        uint[] rows = [.. Enumerable.Range(0, Lane).Select(i => (uint)(i * 7919 + 3))];
        var draws = new CounterRandom(0x123456789ABCDEF0, RandomPurpose.Dropout);
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var mask = new AlignedBuffer((units + Lane) / Lane * Lane * Lane);
            kernels.DropoutMask(0x123456789ABCDEF0, (1L << 33) + 5, rows, (uint)firstIndex, units, threshold, 2, mask.Region);
            for (int at = 0; at < units * Lane; at++)
            {
                bool kept = draws.Bits((1UL << 33) + 5, rows[at % Lane], (uint)(firstIndex + at / Lane)) >= threshold;
                Assert.Equal(kept ? 2f : 0f, mask.Span[at]);
            }
        }
    }

    [Fact]
    public void Update_reports_what_is_not_finite()
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                var g = new AlignedBuffer(32);
                var w = new AlignedBuffer(32);
                var rule = new UpdateRule { Kind = OptimizerKind.Sgd, Rate = 0.1f };
                Assert.True(kernels.Update(rule, g.Region, w.Region, default, default, 32));
                g.Span[21] = bad;
                Assert.False(kernels.Update(rule, g.Region, w.Region, default, default, 32));
            }
        }
    }

    [Fact]
    public void Relu_is_zero_with_slope_zero_at_zero()
    {
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var z = new AlignedBuffer(Lane);
            var d = new AlignedBuffer(Lane);
            d.Span.Fill(1);
            z.Span[0] = -0f;
            z.Span[1] = float.Epsilon;
            z.Span[2] = float.NaN;
            kernels.Activate(ActivationKind.Relu, 0, z.Region, z.Region, Lane);
            kernels.Differentiate(ActivationKind.Relu, 0, z.Region, d.Region, Lane);
            Assert.Equal([0u, 1u], Numbers.Bits(z.Span)[..2]);
            Assert.True(float.IsNaN(z.Span[2]));
            Assert.Equal([0f, 1f], d.Span[..2].ToArray());
        }
    }

    [Theory]
    [InlineData("scalar")]
    [InlineData("vector128")]
    [InlineData("vector256")]
    [InlineData("vector512")]
    public void Selection_takes_the_kernels_it_is_told(string name) => Assert.Equal(name, KernelSelection.Choose(name).Kernels!.Name);

    [Fact]
    public void Selection_of_an_unknown_name_lists_what_is_allowed()
    {
        (KernelSet? kernels, string reason) = KernelSelection.Choose("avx");
        Assert.Null(kernels);
        Assert.Equal("ACTORMLP_KERNEL=avx names no kernels; allowed are vector512, vector256, vector128, scalar", reason);
        Assert.NotNull(KernelSelection.Choose(null).Kernels);
        Assert.NotEmpty(KernelSelection.Reason);
    }

    private static void SameEverywhere(Func<KernelSet, int, IReadOnlyList<float>> compute)
    {
        foreach (int count in new[] { 0, Lane, 2 * Lane, 3 * Lane, 10 * Lane, 17 * Lane })
        {
            uint[] expected = Numbers.Bits([.. compute(KernelSelection.All[^1], count)]);
            foreach (KernelSet kernels in KernelSelection.All)
            {
                Assert.Equal(expected, Numbers.Bits([.. compute(kernels, count)]));
            }
        }
    }

    private static AlignedBuffer Filled(ulong seed, int length, float scale)
    {
        var buffer = new AlignedBuffer(length);
        for (int i = 0; i < length; i++)
        {
            buffer.Span[i] = Numbers.Row(seed, i, 1)[0] * scale;
        }

        return buffer;
    }
}
