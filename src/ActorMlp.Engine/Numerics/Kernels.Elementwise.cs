using System.Runtime.CompilerServices;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Numerics;

/// <summary>Activations, their derivatives and dropout. Counts are multiples of 16.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <summary>An elementwise function of one operand.</summary>
    private interface IFunction
    {
        static abstract TFloat Of(TFloat x, TFloat slope);
    }

    /// <summary>An incoming derivative times that of an activation, from the activation's value.</summary>
    private interface IDerivative
    {
        static abstract TFloat Of(TFloat d, TFloat y, TFloat slope);
    }

    /// <inheritdoc/>
    public override void Activate(ActivationKind kind, float slope, FloatRegion z, FloatRegion y, int count)
    {
        switch (kind)
        {
            case ActivationKind.Identity:
                if (z.Pointer != y.Pointer)
                {
                    Buffer.MemoryCopy(z.Pointer, y.Pointer, count * (long)sizeof(float), count * (long)sizeof(float));
                }

                break;
            case ActivationKind.Sigmoid:
                Apply<SigmoidFunction>(z.Pointer, y.Pointer, slope, count);
                break;
            case ActivationKind.Tanh:
                Apply<TanhFunction>(z.Pointer, y.Pointer, slope, count);
                break;
            case ActivationKind.Relu:
                Apply<ReluFunction>(z.Pointer, y.Pointer, slope, count);
                break;
            case ActivationKind.LeakyRelu:
                Apply<LeakyReluFunction>(z.Pointer, y.Pointer, slope, count);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "not an elementwise activation");
        }
    }

    /// <inheritdoc/>
    public override void Differentiate(ActivationKind kind, float slope, FloatRegion y, FloatRegion d, int count)
    {
        switch (kind)
        {
            case ActivationKind.Identity:
                break;
            case ActivationKind.Sigmoid:
                ApplyDerivative<SigmoidDerivative>(y.Pointer, d.Pointer, slope, count);
                break;
            case ActivationKind.Tanh:
                ApplyDerivative<TanhDerivative>(y.Pointer, d.Pointer, slope, count);
                break;
            case ActivationKind.Relu:
                ApplyDerivative<ReluDerivative>(y.Pointer, d.Pointer, slope, count);
                break;
            case ActivationKind.LeakyRelu:
                ApplyDerivative<LeakyReluDerivative>(y.Pointer, d.Pointer, slope, count);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "not an elementwise activation");
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(FloatRegion a, FloatRegion b, FloatRegion c, int count)
    {
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.Store(c.Pointer + i, TLanes.Multiply(TLanes.Load(a.Pointer + i), TLanes.Load(b.Pointer + i)));
        }
    }

    /// <inheritdoc/>
    public override void Map(ElementaryFunction function, FloatRegion x, FloatRegion y, int count)
    {
        switch (function)
        {
            case ElementaryFunction.Exp:
                Apply<ExpFunction>(x.Pointer, y.Pointer, 0, count);
                break;
            case ElementaryFunction.Log:
                Apply<LogFunction>(x.Pointer, y.Pointer, 0, count);
                break;
            case ElementaryFunction.LogOnePlus:
                Apply<LogOnePlusFunction>(x.Pointer, y.Pointer, 0, count);
                break;
            case ElementaryFunction.Tanh:
                Apply<TanhFunction>(x.Pointer, y.Pointer, 0, count);
                break;
            default:
                Apply<SigmoidFunction>(x.Pointer, y.Pointer, 0, count);
                break;
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DropoutMask(
        ulong seed, long step, ReadOnlySpan<uint> rows, uint firstIndex, int units, uint threshold, float scale, FloatRegion mask)
    {
        var draws = new CounterRandom(seed, RandomPurpose.Dropout);
        TWord least = TLanes.BroadcastWord(threshold);
        TFloat zero = TLanes.Broadcast(0f), kept = TLanes.Broadcast(scale);
        fixed (uint* row = rows)
        {
            // Four units share a counter; firstIndex is a multiple of four, and the block has room for units rounded up.
            for (int unit = 0; unit < units; unit += 4)
            {
                PhiloxBlock counter = draws.Counter((ulong)step, 0, (firstIndex + (uint)unit) >> 2);
                float* destination = mask.Pointer + unit * Lane;
                for (int v = 0; v < Lane; v += TLanes.Width)
                {
                    TWord x0 = TLanes.BroadcastWord(counter.X0), x1 = TLanes.LoadWords(row + v);
                    TWord x2 = TLanes.BroadcastWord(counter.X2), x3 = TLanes.BroadcastWord(counter.X3);
                    uint key0 = draws.Key0, key1 = draws.Key1;
                    for (int round = 0; round < Philox.Rounds; round++)
                    {
                        TWord high0 = TLanes.MultiplyWide(x0, Philox.Multiplier0, out TWord low0);
                        TWord high1 = TLanes.MultiplyWide(x2, Philox.Multiplier1, out TWord low1);
                        x0 = TLanes.Xor(TLanes.Xor(high1, x1), TLanes.BroadcastWord(key0));
                        x1 = low1;
                        x2 = TLanes.Xor(TLanes.Xor(high0, x3), TLanes.BroadcastWord(key1));
                        x3 = low0;
                        key0 += Philox.Weyl0;
                        key1 += Philox.Weyl1;
                    }

                    TLanes.Store(destination + v, TLanes.Select(TLanes.LessWords(x0, least), zero, kept));
                    TLanes.Store(destination + Lane + v, TLanes.Select(TLanes.LessWords(x1, least), zero, kept));
                    TLanes.Store(destination + 2 * Lane + v, TLanes.Select(TLanes.LessWords(x2, least), zero, kept));
                    TLanes.Store(destination + 3 * Lane + v, TLanes.Select(TLanes.LessWords(x3, least), zero, kept));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TFunction>(float* x, float* y, float slope, int count)
        where TFunction : struct, IFunction
    {
        TFloat constant = TLanes.Broadcast(slope);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.Store(y + i, TFunction.Of(TLanes.Load(x + i), constant));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ApplyDerivative<TDerivative>(float* y, float* d, float slope, int count)
        where TDerivative : struct, IDerivative
    {
        TFloat constant = TLanes.Broadcast(slope);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.Store(d + i, TDerivative.Of(TLanes.Load(d + i), TLanes.Load(y + i), constant));
        }
    }

    private readonly struct ExpFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) => Elementary<TLanes, TFloat, TWord>.Exp(x);
    }

    private readonly struct LogFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) => Elementary<TLanes, TFloat, TWord>.Log(x);
    }

    private readonly struct LogOnePlusFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) => Elementary<TLanes, TFloat, TWord>.LogOnePlus(x);
    }

    private readonly struct TanhFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) => Elementary<TLanes, TFloat, TWord>.Tanh(x);
    }

    private readonly struct SigmoidFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) => Elementary<TLanes, TFloat, TWord>.Sigmoid(x);
    }

    /// <summary>x where it is not below or at zero: NaN stays, -0 becomes +0.</summary>
    private readonly struct ReluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope)
        {
            TFloat zero = TLanes.Broadcast(0f);
            return TLanes.Add(TLanes.Select(TLanes.Greater(zero, x), zero, x), zero);
        }
    }

    private readonly struct LeakyReluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat x, TFloat slope) =>
            TLanes.Select(TLanes.Greater(x, TLanes.Broadcast(0f)), x, TLanes.Multiply(slope, x));
    }

    /// <summary>d·(y·(1 - y)).</summary>
    private readonly struct SigmoidDerivative : IDerivative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat d, TFloat y, TFloat slope) =>
            TLanes.Multiply(d, TLanes.Multiply(y, TLanes.Subtract(TLanes.Broadcast(1f), y)));
    }

    /// <summary>d·(1 - y²).</summary>
    private readonly struct TanhDerivative : IDerivative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat d, TFloat y, TFloat slope)
        {
            TFloat minus = TLanes.Subtract(TLanes.Broadcast(0f), y);
            return TLanes.Multiply(d, TLanes.MultiplyAdd(minus, y, TLanes.Broadcast(1f)));
        }
    }

    private readonly struct ReluDerivative : IDerivative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat d, TFloat y, TFloat slope)
        {
            TFloat zero = TLanes.Broadcast(0f);
            return TLanes.Select(TLanes.Greater(y, zero), d, zero);
        }
    }

    private readonly struct LeakyReluDerivative : IDerivative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Of(TFloat d, TFloat y, TFloat slope) =>
            TLanes.Select(TLanes.Greater(y, TLanes.Broadcast(0f)), d, TLanes.Multiply(slope, d));
    }
}
