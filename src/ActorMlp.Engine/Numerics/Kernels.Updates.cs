using System.Runtime.CompilerServices;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Numerics;

/// <summary>The optimizers, elementwise: fused multiply-adds exactly where the formulas below show them.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <summary>A rule: new parameter and state from gradient, parameter and state.</summary>
    private interface IRule
    {
        /// <summary>Whether the rule keeps a first and a second slot.</summary>
        static abstract int Slots { get; }

        static abstract TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MeanGradient(FloatRegion sum, FloatRegion w, FloatRegion g, float scale, float l1, float l2, int count)
    {
        TFloat factor = TLanes.Broadcast(scale), zero = TLanes.Broadcast(0f);
        TFloat absolute = TLanes.Broadcast(l1), square = TLanes.Broadcast(l2);
        if (l1 == 0 && l2 == 0)
        {
            for (int i = 0; i < count; i += TLanes.Width)
            {
                TLanes.Store(g.Pointer + i, TLanes.Multiply(TLanes.Load(sum.Pointer + i), factor));
            }

            return;
        }

        for (int i = 0; i < count; i += TLanes.Width)
        {
            TFloat weight = TLanes.Load(w.Pointer + i);
            TFloat mean = TLanes.Multiply(TLanes.Load(sum.Pointer + i), factor);
            TFloat sign = TLanes.Select(TLanes.Greater(zero, weight), TLanes.Subtract(zero, absolute), zero);
            sign = TLanes.Select(TLanes.Greater(weight, zero), absolute, sign);
            TLanes.Store(g.Pointer + i, TLanes.Add(TLanes.MultiplyAdd(square, weight, mean), sign));
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Scale(FloatRegion g, float factor, int count)
    {
        TFloat multiplier = TLanes.Broadcast(factor);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.Store(g.Pointer + i, TLanes.Multiply(TLanes.Load(g.Pointer + i), multiplier));
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ScaleColumns(FloatRegion w, ReadOnlySpan<float> factors, int count)
    {
        fixed (float* factor = factors)
        {
            for (int i = 0; i < count; i += TLanes.Width)
            {
                TFloat multiplier = TLanes.Load(factor + i % Lane);
                TLanes.Store(w.Pointer + i, TLanes.Multiply(TLanes.Load(w.Pointer + i), multiplier));
            }
        }
    }

    /// <inheritdoc/>
    public override bool Update(in UpdateRule rule, FloatRegion g, FloatRegion w, FloatRegion first, FloatRegion second, int count) =>
        rule.Kind switch
        {
            OptimizerKind.Sgd => Step<SgdRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
            OptimizerKind.Momentum => Step<MomentumRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
            OptimizerKind.Nesterov => Step<NesterovRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
            OptimizerKind.AdaGrad => Step<AdaGradRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
            OptimizerKind.RmsProp => Step<RmsPropRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
            _ => Step<AdamRule>(rule, g.Pointer, w.Pointer, first.Pointer, second.Pointer, count),
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Step<TRule>(in UpdateRule rule, float* g, float* w, float* first, float* second, int count)
        where TRule : struct, IRule
    {
        var constants = new RuleConstants(rule);
        TWord exponent = TLanes.BroadcastWord(0x7F800000), notFinite = TLanes.BroadcastWord(0);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TFloat one = TRule.Slots > 0 ? TLanes.Load(first + i) : constants.Rate;
            TFloat two = TRule.Slots > 1 ? TLanes.Load(second + i) : constants.Rate;
            TFloat next = TRule.Next(constants, TLanes.Load(g + i), TLanes.Load(w + i), ref one, ref two);
            TLanes.Store(w + i, next);
            if (TRule.Slots > 0)
            {
                TLanes.Store(first + i, one);
            }

            if (TRule.Slots > 1)
            {
                TLanes.Store(second + i, two);
            }

            notFinite = TLanes.Or(notFinite, TLanes.EqualWords(TLanes.And(TLanes.AsWords(next), exponent), exponent));
        }

        return !TLanes.Any(notFinite);
    }

    /// <summary>The constants in every lane.</summary>
    private readonly struct RuleConstants(in UpdateRule rule)
    {
        public readonly TFloat Rate = TLanes.Broadcast(rule.Rate);
        public readonly TFloat MinusRate = TLanes.Broadcast(-rule.Rate);
        public readonly TFloat Decay = TLanes.Broadcast(rule.Decay);
        public readonly TFloat Gain = TLanes.Broadcast(rule.Gain);
        public readonly TFloat SecondDecay = TLanes.Broadcast(rule.SecondDecay);
        public readonly TFloat SecondGain = TLanes.Broadcast(rule.SecondGain);
        public readonly TFloat SecondCorrection = TLanes.Broadcast(rule.SecondCorrection);
        public readonly TFloat Epsilon = TLanes.Broadcast(rule.Epsilon);
        public readonly TFloat Shrink = TLanes.Broadcast(rule.Shrink);
    }

    /// <summary>w = fma(-η, g, w).</summary>
    private readonly struct SgdRule : IRule
    {
        public static int Slots => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second) =>
            TLanes.MultiplyAdd(rule.MinusRate, g, w);
    }

    /// <summary>v = fma(μ, v, g); w = fma(-η, v, w).</summary>
    private readonly struct MomentumRule : IRule
    {
        public static int Slots => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second)
        {
            first = TLanes.MultiplyAdd(rule.Decay, first, g);
            return TLanes.MultiplyAdd(rule.MinusRate, first, w);
        }
    }

    /// <summary>v = fma(μ, v, g); w = fma(-η, fma(μ, v, g), w).</summary>
    private readonly struct NesterovRule : IRule
    {
        public static int Slots => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second)
        {
            first = TLanes.MultiplyAdd(rule.Decay, first, g);
            return TLanes.MultiplyAdd(rule.MinusRate, TLanes.MultiplyAdd(rule.Decay, first, g), w);
        }
    }

    /// <summary>s = fma(g, g, s); w = fma(-η, g / (√s + ε), w).</summary>
    private readonly struct AdaGradRule : IRule
    {
        public static int Slots => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second)
        {
            first = TLanes.MultiplyAdd(g, g, first);
            TFloat root = TLanes.Add(TLanes.SquareRoot(first), rule.Epsilon);
            return TLanes.MultiplyAdd(rule.MinusRate, TLanes.Divide(g, root), w);
        }
    }

    /// <summary>s = fma((1-ρ)·g, g, ρ·s); w = fma(-η, g / (√s + ε), w).</summary>
    private readonly struct RmsPropRule : IRule
    {
        public static int Slots => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second)
        {
            first = TLanes.MultiplyAdd(TLanes.Multiply(rule.Gain, g), g, TLanes.Multiply(rule.Decay, first));
            TFloat root = TLanes.Add(TLanes.SquareRoot(first), rule.Epsilon);
            return TLanes.MultiplyAdd(rule.MinusRate, TLanes.Divide(g, root), w);
        }
    }

    /// <summary>
    /// w = shrink·w; m = fma(1-β₁, g, β₁·m); v = fma((1-β₂)·g, g, β₂·v); w = fma(-η/(1-β₁^t), m / fma(√v, 1/√(1-β₂^t), ε), w).
    /// </summary>
    private readonly struct AdamRule : IRule
    {
        public static int Slots => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Next(in RuleConstants rule, TFloat g, TFloat w, ref TFloat first, ref TFloat second)
        {
            first = TLanes.MultiplyAdd(rule.Gain, g, TLanes.Multiply(rule.Decay, first));
            second = TLanes.MultiplyAdd(TLanes.Multiply(rule.SecondGain, g), g, TLanes.Multiply(rule.SecondDecay, second));
            TFloat root = TLanes.MultiplyAdd(TLanes.SquareRoot(second), rule.SecondCorrection, rule.Epsilon);
            return TLanes.MultiplyAdd(rule.MinusRate, TLanes.Divide(first, root), TLanes.Multiply(rule.Shrink, w));
        }
    }
}
