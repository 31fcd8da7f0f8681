namespace ActorMlp.Engine.Numerics;

/// <summary>Double-precision functions from multiplications, divisions and additions alone, so that every platform gives the same bits.</summary>
internal static class DeterministicMath
{
    /// <summary>ln(x) for normal x &gt; 0, within 4 ulp: x = m·2^e, ln m = 2·artanh((m-1)/(m+1)) by its series.</summary>
    public static double Log(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)((bits >> 52) & 0x7FF) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }

        double z = (mantissa - 1) / (mantissa + 1), square = z * z, sum = 0;
        for (int n = 25; n >= 1; n -= 2)
        {
            sum = sum * square + 1.0 / n;
        }

        return exponent * 0.6931471805599453 + 2 * z * sum;
    }

    /// <summary>x to a whole power ≥ 0, by squaring.</summary>
    public static double Power(double x, long exponent)
    {
        double result = 1;
        for (; exponent > 0; exponent >>= 1, x *= x)
        {
            if ((exponent & 1) == 1)
            {
                result *= x;
            }
        }

        return result;
    }
}
