using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>
/// exp, log, tanh and sigmoid as fixed sequences of correctly rounded operations: the same bits in every lane, at every width, on
/// every processor, which the C library does not promise.
/// </summary>
/// <remarks>
/// Series are Taylor's, cut where the rest is below a tenth of a unit in the last place; arguments are reduced after Cody and Waite
/// (1980). The bounds in units in the last place, against double precision, are held by tests over the whole range. NaN gives NaN.
/// </remarks>
internal static unsafe class Elementary<TLanes, TFloat, TWord>
    where TLanes : struct, ILanes<TFloat, TWord>
    where TFloat : unmanaged
    where TWord : unmanaged
{
    // Adding 1.5·2^23 leaves a float's nearest whole number in the low bits of its significand.
    private const float RoundingShift = 12582912f;
    private const uint SignBit = 0x80000000;
    private const float Log2E = 1.44269502f;

    // ln 2 in two parts, the first short enough that its product with any exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>exp(x); at most 1.0 ulp, 1.5 where the result is subnormal; +∞ above 88.72, subnormal and then 0 below -87.33.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Exp(TFloat x)
    {
        // Beyond these the result is +∞ or 0 whatever the argument; within them the exponent fits.
        TFloat most = TLanes.Broadcast(89f), least = TLanes.Broadcast(-104f);
        x = TLanes.Select(TLanes.Greater(x, most), most, x);
        x = TLanes.Select(TLanes.Greater(least, x), least, x);

        TFloat shift = TLanes.Broadcast(RoundingShift);
        TFloat shifted = TLanes.MultiplyAdd(x, TLanes.Broadcast(Log2E), shift);
        TFloat whole = TLanes.Subtract(shifted, shift);
        TFloat r = TLanes.MultiplyAdd(whole, TLanes.Broadcast(-Ln2High), x);
        r = TLanes.MultiplyAdd(whole, TLanes.Broadcast(-Ln2Low), r);

        // e^r = 1 + (r + r²·(1/2! + r/3! + … + r⁵/7!)), |r| ≤ ln 2 / 2.
        TFloat series = TLanes.Broadcast(1f / 5040f);
        series = TLanes.MultiplyAdd(series, r, TLanes.Broadcast(1f / 720f));
        series = TLanes.MultiplyAdd(series, r, TLanes.Broadcast(1f / 120f));
        series = TLanes.MultiplyAdd(series, r, TLanes.Broadcast(1f / 24f));
        series = TLanes.MultiplyAdd(series, r, TLanes.Broadcast(1f / 6f));
        series = TLanes.MultiplyAdd(series, r, TLanes.Broadcast(0.5f));
        series = TLanes.MultiplyAdd(TLanes.Multiply(r, r), series, r);
        TFloat power = TLanes.Add(series, TLanes.Broadcast(1f));

        // 2^n in two factors, so that neither n = 128 nor a subnormal result needs a case of its own.
        TWord n = TLanes.SubtractWords(TLanes.AsWords(shifted), TLanes.AsWords(shift));
        TWord half = TLanes.ShiftRightSigned(n, 1);
        return TLanes.Multiply(TLanes.Multiply(power, PowerOfTwo(half)), PowerOfTwo(TLanes.SubtractWords(n, half)));
    }

    /// <summary>ln(x); at most 1.0 ulp; -∞ at ±0, NaN below, +∞ at +∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Log(TFloat x)
    {
        TFloat one = TLanes.Broadcast(1f);
        TFloat zero = TLanes.Broadcast(0f);
        TWord subnormal = TLanes.Greater(TLanes.Broadcast(1.17549435e-38f), x);
        TFloat normal = TLanes.Select(subnormal, TLanes.Multiply(x, TLanes.Broadcast(8388608f)), x);

        // x = 2^e·m with m in [√½, √2): moving the boundary to √½ before taking the exponent apart.
        TWord bits = TLanes.AddWords(TLanes.AsWords(normal), TLanes.BroadcastWord(0x3F800000u - 0x3F3504F3u));
        TWord exponent = TLanes.SubtractWords(TLanes.ShiftRight(bits, 23), TLanes.BroadcastWord(127));
        exponent = TLanes.SubtractWords(exponent, TLanes.And(subnormal, TLanes.BroadcastWord(23)));
        TWord significand = TLanes.AddWords(TLanes.And(bits, TLanes.BroadcastWord(0x007FFFFF)), TLanes.BroadcastWord(0x3F3504F3));
        TFloat e = TLanes.ToFloats(exponent);
        TFloat f = TLanes.Subtract(TLanes.AsFloats(significand), one);

        // ln(1+f) = 2·artanh(s) with s = f/(2+f), and 2s = f - s·f: f itself carries the leading digits.
        TFloat s = TLanes.Divide(f, TLanes.Add(f, TLanes.Broadcast(2f)));
        TFloat z = TLanes.Multiply(s, s);
        TFloat series = TLanes.Broadcast(2f / 11f);
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 9f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 7f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 5f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 3f));
        TFloat halfSquare = TLanes.Multiply(TLanes.Multiply(f, f), TLanes.Broadcast(0.5f));
        TFloat tail = TLanes.Multiply(s, TLanes.MultiplyAdd(series, z, halfSquare));
        tail = TLanes.MultiplyAdd(e, TLanes.Broadcast(Ln2Low), tail);
        TFloat body = TLanes.Subtract(f, TLanes.Subtract(halfSquare, tail));
        TFloat result = TLanes.MultiplyAdd(e, TLanes.Broadcast(Ln2High), body);

        // x - x is 0 for finite x, NaN otherwise: it keeps NaN, and +∞ is put back by hand.
        TFloat infinity = TLanes.Broadcast(float.PositiveInfinity);
        result = TLanes.Select(TLanes.Greater(infinity, x), result, x);
        result = TLanes.Select(TLanes.Greater(zero, x), TLanes.Broadcast(float.NaN), result);
        TWord isZero = TLanes.EqualWords(TLanes.ShiftLeft(TLanes.AsWords(x), 1), TLanes.BroadcastWord(0));
        return TLanes.Select(isZero, TLanes.Broadcast(float.NegativeInfinity), result);
    }

    /// <summary>ln(1 + x) for x in [0, 1]; at most 1.3 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat LogOnePlus(TFloat x)
    {
        // 2·artanh(s) with s = x/(2+x) ≤ 1/3; 2s = x - s·x.
        TFloat s = TLanes.Divide(x, TLanes.Add(x, TLanes.Broadcast(2f)));
        TFloat z = TLanes.Multiply(s, s);
        TFloat series = TLanes.Broadcast(2f / 17f);
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 15f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 13f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 11f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 9f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 7f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 5f));
        series = TLanes.MultiplyAdd(series, z, TLanes.Broadcast(2f / 3f));
        TFloat rest = TLanes.Multiply(z, series);
        return TLanes.Subtract(x, TLanes.Multiply(s, TLanes.Subtract(x, rest)));
    }

    /// <summary>tanh(x); at most 2.0 ulp; ±1 far out, the sign of zero kept.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Tanh(TFloat x)
    {
        TWord sign = TLanes.And(TLanes.AsWords(x), TLanes.BroadcastWord(SignBit));
        TFloat magnitude = TLanes.AsFloats(TLanes.Xor(TLanes.AsWords(x), sign));

        // Near zero the series x + x³·(-1/3 + …), rest below 2^-27 at 1/2.
        TFloat square = TLanes.Multiply(x, x);
        TFloat series = TLanes.Broadcast((float)(6404582.0 / 10854718875.0));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(-929569.0 / 638512875.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(21844.0 / 6081075.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(-1382.0 / 155925.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(62.0 / 2835.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(-17.0 / 315.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(2.0 / 15.0)));
        series = TLanes.MultiplyAdd(series, square, TLanes.Broadcast((float)(-1.0 / 3.0)));
        TFloat near = TLanes.MultiplyAdd(TLanes.Multiply(magnitude, square), series, magnitude);

        // Farther out 1 - 2/(exp(2|x|) + 1).
        TFloat one = TLanes.Broadcast(1f);
        TFloat exp = Exp(TLanes.Add(magnitude, magnitude));
        TFloat far = TLanes.Subtract(one, TLanes.Divide(TLanes.Broadcast(2f), TLanes.Add(exp, one)));
        TFloat result = TLanes.Select(TLanes.Greater(TLanes.Broadcast(0.5f), magnitude), near, far);
        return TLanes.AsFloats(TLanes.Or(TLanes.AsWords(result), sign));
    }

    /// <summary>1 / (1 + exp(-x)); at most 2.5 ulp; never overflows, and keeps its digits far below zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Sigmoid(TFloat x)
    {
        // With e = exp(-|x|): 1/(1+e) on the right, e/(1+e) on the left.
        TFloat one = TLanes.Broadcast(1f);
        TFloat e = Exp(MinusMagnitude(x));
        TFloat numerator = TLanes.Select(TLanes.Greater(TLanes.Broadcast(0f), x), e, one);
        return TLanes.Divide(numerator, TLanes.Add(one, e));
    }

    /// <summary>-|x|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat MinusMagnitude(TFloat x) =>
        TLanes.AsFloats(TLanes.Or(TLanes.AsWords(x), TLanes.BroadcastWord(SignBit)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat PowerOfTwo(TWord n) =>
        TLanes.AsFloats(TLanes.ShiftLeft(TLanes.AddWords(n, TLanes.BroadcastWord(127)), 23));
}
