using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>
/// exp, log, tanh and the logistic function in float, from FMA polynomials: the C library's differ between platforms, these do not.
/// </summary>
/// <remarks>
/// Range reduction and polynomial degrees as in the Cephes library's single-precision functions (Moshier, "Methods and Programs for
/// Mathematical Functions", 1989), every multiply-add fused. Bounds in ulp of the exact result are stated per function and tested over the
/// whole range against double precision.
/// </remarks>
internal static class Elementary<TSimd, T>
    where TSimd : ISimd<T>
    where T : struct
{
    /// <summary>exp(x) within 2 ulp; 0 below about -104, infinity above 88.72; NaN gives NaN. Subnormal results are within 2 of their units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp(T x)
    {
        // n = round(x / ln 2) through the magic number 1.5·2^23, then x - n·ln 2 in two pieces.
        T clamped = TSimd.Smaller(TSimd.Broadcast(89f), TSimd.Larger(TSimd.Broadcast(-104.5f), x));
        T magic = TSimd.Broadcast(12582912f);
        T n = TSimd.Subtract(TSimd.FusedMultiplyAdd(clamped, TSimd.Broadcast(1.44269504f), magic), magic);
        T r = TSimd.FusedMultiplyAdd(n, TSimd.Broadcast(-0.693359375f), clamped);
        r = TSimd.FusedMultiplyAdd(n, TSimd.Broadcast(2.12194440e-4f), r);
        T p = TSimd.Broadcast(1.9875691500e-4f);
        p = TSimd.FusedMultiplyAdd(p, r, TSimd.Broadcast(1.3981999507e-3f));
        p = TSimd.FusedMultiplyAdd(p, r, TSimd.Broadcast(8.3334519073e-3f));
        p = TSimd.FusedMultiplyAdd(p, r, TSimd.Broadcast(4.1665795894e-2f));
        p = TSimd.FusedMultiplyAdd(p, r, TSimd.Broadcast(1.6666665459e-1f));
        p = TSimd.FusedMultiplyAdd(p, r, TSimd.Broadcast(5.0000001201e-1f));
        p = TSimd.Add(TSimd.FusedMultiplyAdd(p, TSimd.Multiply(r, r), r), TSimd.Broadcast(1f));

        // 2^n in two factors, each a normal number, so that results may be subnormal or overflow to infinity.
        T half = TSimd.Subtract(TSimd.FusedMultiplyAdd(n, TSimd.Broadcast(0.5f), magic), magic);
        return TSimd.Multiply(TSimd.Multiply(p, TSimd.PowerOfTwo(half)), TSimd.PowerOfTwo(TSimd.Subtract(n, half)));
    }

    /// <summary>ln(x) within 2 ulp for normal x &gt; 0; not for zero, subnormal, negative or infinite x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log(T x)
    {
        // x = m·2^e with m in [√½, √2); ln x = e·ln 2 + ln(1 + f), f = m - 1.
        T m = TSimd.Decompose(x, out T e);
        T one = TSimd.Broadcast(1f);
        T root = TSimd.Broadcast(1.41421356f);
        e = TSimd.WhereGreater(m, root, TSimd.Add(e, one), e);
        m = TSimd.WhereGreater(m, root, TSimd.Multiply(m, TSimd.Broadcast(0.5f)), m);
        T f = TSimd.Subtract(m, one);
        T square = TSimd.Multiply(f, f);
        T p = TSimd.Broadcast(7.0376836292e-2f);
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(-1.1514610310e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(1.1676998740e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(-1.2420140846e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(1.4249322787e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(-1.6668057665e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(2.0000714765e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(-2.4999993993e-1f));
        p = TSimd.FusedMultiplyAdd(p, f, TSimd.Broadcast(3.3333331174e-1f));
        T y = TSimd.Multiply(TSimd.Multiply(p, f), square);
        y = TSimd.FusedMultiplyAdd(e, TSimd.Broadcast(-2.12194440e-4f), y);
        y = TSimd.FusedMultiplyAdd(square, TSimd.Broadcast(-0.5f), y);
        return TSimd.FusedMultiplyAdd(e, TSimd.Broadcast(0.693359375f), TSimd.Add(f, y));
    }

    /// <summary>1 / (1 + exp(-x)) within 4 ulp; NaN gives NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid(T x)
    {
        // Through exp(-|x|), which cannot overflow: e/(1+e) on the negative side, 1/(1+e) on the other.
        T e = Exp(TSimd.Subtract(TSimd.Broadcast(0f), TSimd.Absolute(x)));
        T one = TSimd.Broadcast(1f);
        return TSimd.Divide(TSimd.WhereGreater(TSimd.Broadcast(0f), x, e, one), TSimd.Add(one, e));
    }

    /// <summary>tanh(x) within 3 ulp; NaN gives NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh(T x)
    {
        T magnitude = TSimd.Absolute(x);
        T square = TSimd.Multiply(x, x);
        T p = TSimd.Broadcast(-5.70498872745e-3f);
        p = TSimd.FusedMultiplyAdd(p, square, TSimd.Broadcast(2.06390887954e-2f));
        p = TSimd.FusedMultiplyAdd(p, square, TSimd.Broadcast(-5.37397155531e-2f));
        p = TSimd.FusedMultiplyAdd(p, square, TSimd.Broadcast(1.33314422036e-1f));
        p = TSimd.FusedMultiplyAdd(p, square, TSimd.Broadcast(-3.33332819422e-1f));
        T near = TSimd.FusedMultiplyAdd(TSimd.Multiply(p, square), x, x);
        T one = TSimd.Broadcast(1f);
        T e = Exp(TSimd.Multiply(TSimd.Broadcast(-2f), magnitude));
        T far = TSimd.CopySign(TSimd.Divide(TSimd.Subtract(one, e), TSimd.Add(one, e)), x);
        return TSimd.WhereGreater(magnitude, TSimd.Broadcast(0.625f), far, near);
    }

    /// <summary>ln(1 + exp(-x)) for x ≥ 0, within 3 ulp; what a logistic loss adds to its linear part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LogOnePlusExpOfMinus(T x)
    {
        // ln(1 + e) with what 1 + e rounds away put back: ln(u) + (e - (u - 1)) / u.
        T e = Exp(TSimd.Subtract(TSimd.Broadcast(0f), x));
        T one = TSimd.Broadcast(1f);
        T u = TSimd.Add(one, e);
        T lost = TSimd.Subtract(e, TSimd.Subtract(u, one));
        return TSimd.Add(Log(u), TSimd.Divide(lost, u));
    }
}
