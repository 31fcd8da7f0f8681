using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>Gradient encodings of fixed width: 16-bit floats, and bytes with a scale for each block.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <summary>1.5·2²³: the sum of it and a number below 2²² is a whole number, so the addition rounds, and its low bits are that number.</summary>
    private const float Rounding = 12582912f;

    /// <summary>What an encoding does with the residual.</summary>
    private interface IFeedback
    {
        /// <summary>x.</summary>
        static abstract TFloat Sum(float* gradient, float* residual);

        /// <summary>Keeps x - decoded.</summary>
        static abstract void Keep(float* residual, TFloat x, TFloat decoded);
    }

    /// <summary>A float of 16 bits, in the low half of a word.</summary>
    private interface IHalfFloat
    {
        static abstract TWord Narrow(TFloat x);

        static abstract TFloat Widen(TWord half);
    }

    /// <inheritdoc/>
    public override void EncodeBFloat16(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> encoded) =>
        EncodeHalves<BFloat16>(gradient, residual, encoded);

    /// <inheritdoc/>
    public override void DecodeBFloat16(ReadOnlySpan<byte> encoded, Span<float> values) => DecodeHalves<BFloat16>(encoded, values);

    /// <inheritdoc/>
    public override void EncodeFloat16(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> encoded) =>
        EncodeHalves<Float16>(gradient, residual, encoded);

    /// <inheritdoc/>
    public override void DecodeFloat16(ReadOnlySpan<byte> encoded, Span<float> values) => DecodeHalves<Float16>(encoded, values);

    /// <inheritdoc/>
    public override void EncodeInt8(ReadOnlySpan<float> gradient, Span<float> residual, int block, Span<byte> encoded)
    {
        fixed (float* g = gradient, r = residual)
        fixed (byte* to = encoded)
        {
            byte* at = to;
            for (int start = 0; start < gradient.Length; start += block)
            {
                int count = Math.Min(block, gradient.Length - start);
                if (residual.IsEmpty)
                {
                    EncodeBlock<NoFeedback>(g + start, r, count, at);
                }
                else
                {
                    EncodeBlock<Feedback>(g + start, r + start, count, at);
                }

                at += sizeof(float) + count;
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DecodeInt8(ReadOnlySpan<byte> encoded, int block, Span<float> values)
    {
        fixed (byte* from = encoded)
        fixed (float* to = values)
        {
            byte* at = from;
            for (int start = 0; start < values.Length; start += block)
            {
                int count = Math.Min(block, values.Length - start);
                TFloat scale = TLanes.Broadcast(Unsafe.ReadUnaligned<float>(at));
                at += sizeof(float);
                for (int i = 0; i < count; i += TLanes.Width)
                {
                    TLanes.Store(to + start + i, TLanes.Multiply(TLanes.ToFloats(TLanes.LoadSignedBytes(at + i)), scale));
                }

                at += count;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EncodeBlock<TFeedback>(float* g, float* r, int count, byte* to)
        where TFeedback : struct, IFeedback
    {
        TWord magnitude = TLanes.BroadcastWord(MagnitudeBits), top = TLanes.BroadcastWord(0);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            top = TLanes.Larger(top, TLanes.And(TLanes.AsWords(TFeedback.Sum(g + i, r + i)), magnitude));
        }

        uint largest = TLanes.Largest(top);
        float scale = BitConverter.UInt32BitsToSingle(largest) / 127f;
        byte* bytes = to + sizeof(float);
        if (float.IsNormal(scale))
        {
            Unsafe.WriteUnaligned(to, scale);
            TFloat s = TLanes.Broadcast(scale), rounding = TLanes.Broadcast(Rounding);
            for (int i = 0; i < count; i += TLanes.Width)
            {
                TFloat x = TFeedback.Sum(g + i, r + i);
                TFloat shifted = TLanes.Add(TLanes.Divide(x, s), rounding);
                TLanes.StoreBytes(bytes + i, TLanes.AsWords(shifted));
                TFeedback.Keep(r + i, x, TLanes.Multiply(TLanes.Subtract(shifted, rounding), s));
            }

            return;
        }

        // Nothing that the scale could measure: all is owed; or the run has diverged, and the receiver must see it.
        float special = BitConverter.UInt32BitsToSingle(largest < InfinityBits ? 0 : NaNBits);
        Unsafe.WriteUnaligned(to, special);
        TFloat decoded = TLanes.Broadcast(special);
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.StoreBytes(bytes + i, TLanes.BroadcastWord(0));
            TFeedback.Keep(r + i, TFeedback.Sum(g + i, r + i), decoded);
        }
    }

    private static void EncodeHalves<THalf>(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> encoded)
        where THalf : struct, IHalfFloat
    {
        fixed (float* g = gradient, r = residual)
        fixed (byte* to = encoded)
        {
            if (residual.IsEmpty)
            {
                EncodeHalves<THalf, NoFeedback>(g, r, gradient.Length, to);
            }
            else
            {
                EncodeHalves<THalf, Feedback>(g, r, gradient.Length, to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EncodeHalves<THalf, TFeedback>(float* g, float* r, int count, byte* to)
        where THalf : struct, IHalfFloat
        where TFeedback : struct, IFeedback
    {
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TFloat x = TFeedback.Sum(g + i, r + i);
            TWord half = THalf.Narrow(x);
            TLanes.StoreHalves(to + i * sizeof(ushort), half);
            TFeedback.Keep(r + i, x, THalf.Widen(half));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeHalves<THalf>(ReadOnlySpan<byte> encoded, Span<float> values)
        where THalf : struct, IHalfFloat
    {
        fixed (byte* from = encoded)
        fixed (float* to = values)
        {
            for (int i = 0; i < values.Length; i += TLanes.Width)
            {
                TLanes.Store(to + i, THalf.Widen(TLanes.LoadHalves(from + i * sizeof(ushort))));
            }
        }
    }

    /// <summary>x, but the NaN of <see cref="KernelSet.NaNBits"/> for every NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat OneNaN(TFloat x)
    {
        TWord words = TLanes.AsWords(x);
        TWord isNaN = TLanes.LessWords(TLanes.BroadcastWord(InfinityBits), TLanes.And(words, TLanes.BroadcastWord(MagnitudeBits)));
        return TLanes.AsFloats(TLanes.SelectWords(isNaN, TLanes.BroadcastWord(NaNBits), words));
    }

    /// <summary>x = g; nothing is kept.</summary>
    private readonly struct NoFeedback : IFeedback
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Sum(float* gradient, float* residual) => TLanes.Load(gradient);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Keep(float* residual, TFloat x, TFloat decoded)
        {
        }
    }

    /// <summary>x = g + residual; the residual becomes x - decoded.</summary>
    private readonly struct Feedback : IFeedback
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Sum(float* gradient, float* residual) => TLanes.Add(TLanes.Load(gradient), TLanes.Load(residual));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Keep(float* residual, TFloat x, TFloat decoded) => TLanes.Store(residual, OneNaN(TLanes.Subtract(x, decoded)));
    }

    /// <summary>The upper half of a float. To nearest by adding half a unit of what stays, less one bit where the lower neighbour is even.</summary>
    private readonly struct BFloat16 : IHalfFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TWord Narrow(TFloat x)
        {
            TWord words = TLanes.AsWords(OneNaN(x));
            TWord odd = TLanes.And(TLanes.ShiftRight(words, 16), TLanes.BroadcastWord(1));
            return TLanes.ShiftRight(TLanes.AddWords(words, TLanes.AddWords(odd, TLanes.BroadcastWord(0x7FFF))), 16);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Widen(TWord half) => TLanes.AsFloats(TLanes.ShiftLeft(half, 16));
    }

    /// <summary>IEEE 754 binary16: 5 bits of exponent, 10 of fraction. Beyond 65,504 (from 65,520 on) lies infinity.</summary>
    private readonly struct Float16 : IHalfFloat
    {
        private const uint Infinity = 0x7C00;
        private const uint NaN = 0x7E00;

        /// <summary>2⁻¹⁴, the smallest normal value.</summary>
        private const uint LeastNormal = 0x38800000;

        /// <summary>2¹⁶, beyond every value.</summary>
        private const uint Beyond = 0x47800000;

        /// <summary>The exponents' offsets are 127 and 15: what a normal value's bits differ by, as a float's.</summary>
        private const uint Rebias = (127 - 15) << 23;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TWord Narrow(TFloat x)
        {
            TWord words = TLanes.AsWords(x);
            TWord magnitude = TLanes.And(words, TLanes.BroadcastWord(MagnitudeBits));
            TWord sign = TLanes.ShiftRight(TLanes.Xor(words, magnitude), 16);

            // As for bfloat16, in another place; a carry out of the fraction is the next exponent, in the end infinity.
            TWord odd = TLanes.And(TLanes.ShiftRight(magnitude, 13), TLanes.BroadcastWord(1));
            TWord rounded = TLanes.AddWords(magnitude, TLanes.AddWords(odd, TLanes.BroadcastWord(unchecked(0xFFFu - Rebias))));
            TWord half = TLanes.ShiftRight(rounded, 13);

            // In [0.5, 1) a float's last bit is worth 2⁻²⁴, as a subnormal's of binary16 is: the sum rounds, its last bits are the value.
            TFloat shift = TLanes.Broadcast(0.5f);
            TWord subnormal = TLanes.SubtractWords(TLanes.AsWords(TLanes.Add(TLanes.AsFloats(magnitude), shift)), TLanes.AsWords(shift));
            half = TLanes.SelectWords(TLanes.LessWords(magnitude, TLanes.BroadcastWord(LeastNormal)), subnormal, half);
            half = TLanes.SelectWords(TLanes.LessWords(magnitude, TLanes.BroadcastWord(Beyond)), half, TLanes.BroadcastWord(Infinity));
            TWord isNaN = TLanes.LessWords(TLanes.BroadcastWord(InfinityBits), magnitude);
            return TLanes.SelectWords(isNaN, TLanes.BroadcastWord(NaN), TLanes.Or(half, sign));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TFloat Widen(TWord half)
        {
            TWord magnitude = TLanes.And(half, TLanes.BroadcastWord(0x7FFF));
            TWord sign = TLanes.ShiftLeft(TLanes.Xor(half, magnitude), 16);
            TWord shifted = TLanes.ShiftLeft(magnitude, 13);
            TWord normal = TLanes.AddWords(shifted, TLanes.BroadcastWord(Rebias));
            TWord special = TLanes.Or(shifted, TLanes.BroadcastWord(InfinityBits));
            TWord subnormal = TLanes.AsWords(TLanes.Multiply(TLanes.ToFloats(magnitude), TLanes.Broadcast(1f / (1 << 24))));
            TWord result = TLanes.SelectWords(TLanes.LessWords(magnitude, TLanes.BroadcastWord(Infinity)), normal, special);
            result = TLanes.SelectWords(TLanes.LessWords(magnitude, TLanes.BroadcastWord(1 << 10)), subnormal, result);
            return TLanes.AsFloats(TLanes.Or(result, sign));
        }
    }
}
