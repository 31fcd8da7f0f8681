using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Numerics;

/// <summary>exp, log, tanh and sigmoid over the whole range of floats, against double precision.</summary>
public sealed class ElementaryTests
{
    private const uint Stride = 97;
    private const int Chunk = 4096;

    private static readonly float[] Special =
    [
        0f, -0f, float.Epsilon, -float.Epsilon, 1.17549435e-38f, -1.17549435e-38f, 1.1754942e-38f, 1f, -1f, 0.5f, -0.5f, 88.72283f, 88.72284f,
        -87.33654f, -87.33655f, -103.97f, -103.98f, 1e4f, -1e4f, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity,
        float.NaN, 0.70710677f, 0.7071068f, 9.01f,
    ];

    [Theory]
    [InlineData(ElementaryFunction.Exp, 1.5)]
    [InlineData(ElementaryFunction.Log, 1.0)]
    [InlineData(ElementaryFunction.LogOnePlus, 1.3)]
    [InlineData(ElementaryFunction.Tanh, 2.0)]
    [InlineData(ElementaryFunction.Sigmoid, 2.5)]
    internal void Function_stays_within_its_bound(ElementaryFunction function, double bound)
    {
        var x = new AlignedBuffer(Chunk);
        var y = new AlignedBuffer(Chunk);
        double worst = 0;
        float where = 0;
        IEnumerator<float> arguments = Arguments(function).GetEnumerator();
        for (int count = Chunk; count == Chunk;)
        {
            for (count = 0; count < Chunk && arguments.MoveNext(); count++)
            {
                x.Span[count] = arguments.Current;
            }

            KernelSelection.Current.Map(function, x.Region, y.Region, Chunk);
            for (int i = 0; i < count; i++)
            {
                double error = UlpError(y.Span[i], Exact(function, x.Span[i]));
                if (error > worst)
                {
                    (worst, where) = (error, x.Span[i]);
                }
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{function}: {worst:F3} ulp at {where:R}");
        Assert.True(worst <= bound, $"{function} is off by {worst:F3} ulp at {where:R}; the bound is {bound}");
    }

    [Theory]
    [InlineData(ElementaryFunction.Exp)]
    [InlineData(ElementaryFunction.Log)]
    [InlineData(ElementaryFunction.LogOnePlus)]
    [InlineData(ElementaryFunction.Tanh)]
    [InlineData(ElementaryFunction.Sigmoid)]
    internal void Function_gives_the_same_bits_at_every_width(ElementaryFunction function)
    {
        float[] arguments = [.. Special, .. Arguments(function).Where((_, i) => i % 1009 == 0)];
        int length = arguments.Length / 16 * 16 + 16;
        var x = new AlignedBuffer(length);
        arguments.CopyTo(x.Span);
        uint[]? expected = null;
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var y = new AlignedBuffer(length);
            kernels.Map(function, x.Region, y.Region, length);

            // A NaN is a NaN; its payload is the processor's own.
            uint[] bits = [.. Numbers.Bits(y.Span).Select(value => float.IsNaN(BitConverter.UInt32BitsToSingle(value)) ? ~0u : value)];
            Assert.Equal(expected ?? bits, bits);
            expected = bits;
        }
    }

    [Fact]
    public void Tanh_keeps_the_sign_of_zero()
    {
        var x = new AlignedBuffer(16);
        x.Span[0] = -0f;
        KernelSelection.Current.Map(ElementaryFunction.Tanh, x.Region, x.Region, 16);
        Assert.Equal(0x80000000, BitConverter.SingleToUInt32Bits(x.Span[0]));
    }

    [Fact]
    public void Double_logarithm_and_cosine_stay_within_their_bounds()
    {
        for (int i = 1; i < 20_000; i++)
        {
            double x = i / 20_000.0;
            Assert.Equal(Math.Cos(2 * Math.PI * x), DoubleElementary.CosineOfTurn(x), 1e-15);
            Assert.Equal(0, DoubleElementary.Log(x * x) / Math.Log(x * x) - 1, 1e-15);
        }

        Assert.Equal(-53 * Math.Log(2), DoubleElementary.Log(1.0 / (1L << 53)), 1e-13);
    }

    private static IEnumerable<float> Arguments(ElementaryFunction function)
    {
        foreach (float special in Special)
        {
            if (function != ElementaryFunction.LogOnePlus || special is >= 0 and <= 1)
            {
                yield return special;
            }
        }

        for (ulong bits = 0; bits <= uint.MaxValue; bits += Stride)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            if (function == ElementaryFunction.LogOnePlus && !(x is >= 0 and <= 1))
            {
                continue;
            }

            yield return x;
        }
    }

    private static double Exact(ElementaryFunction function, double x) => function switch
    {
        ElementaryFunction.Exp => Math.Exp(x),
        ElementaryFunction.Log => Math.Log(x),
        ElementaryFunction.LogOnePlus => LogOnePlus(x),
        ElementaryFunction.Tanh => Math.Tanh(x),
        _ => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)),
    };

    private static double LogOnePlus(double x) => x < 1e-4 ? x - x * x / 2 + x * x * x / 3 - x * x * x * x / 4 : Math.Log(1 + x);

    /// <summary>The distance in units in the last place of the exact value's float; 0 where both are the same infinity or NaN.</summary>
    private static double UlpError(float actual, double exact)
    {
        if (double.IsNaN(exact) || float.IsNaN(actual))
        {
            return double.IsNaN(exact) && float.IsNaN(actual) ? 0 : double.PositiveInfinity;
        }

        float rounded = (float)exact;
        if (float.IsInfinity(rounded) || float.IsInfinity(actual))
        {
            return rounded == actual || (!double.IsInfinity(exact) && Math.Abs(actual) == float.MaxValue) ? 0 : double.PositiveInfinity;
        }

        double magnitude = Math.Max(Math.Abs(exact), 1.17549435e-38);
        double ulp = Math.Pow(2, Math.Floor(Math.Log2(magnitude)) - 23);
        return Math.Abs(actual - exact) / ulp;
    }
}
