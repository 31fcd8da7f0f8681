namespace ActorMlp.Engine.Numerics;

/// <summary>
/// The few functions in double precision that initial weights and optimizers need, from additions, multiplications, divisions and
/// square roots alone: the C library's versions differ between platforms.
/// </summary>
internal static class DoubleElementary
{
    private const int LogTerms = 12;
    private const int TrigonometricTerms = 11;

    /// <summary>ln(x) for normal x &gt; 0; relative error below 1e-15.</summary>
    public static double Log(double x)
    {
        // x = 2^e·m, m in [√½, √2); ln m = 2·artanh(s) = 2s·(1 + s²/3 + s⁴/5 + …), s = (m-1)/(m+1), |s| ≤ 0.1716.
        long bits = BitConverter.DoubleToInt64Bits(x);
        long exponent = (bits >> 52) - 1023;
        double m = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (m > 1.4142135623730951)
        {
            m *= 0.5;
            exponent++;
        }

        double s = (m - 1) / (m + 1), square = s * s, series = 0;
        for (int term = LogTerms; term >= 0; term--)
        {
            series = series * square + 1.0 / (2 * term + 1);
        }

        return exponent * 0.6931471805599453 + 2 * s * series;
    }

    /// <summary>cos(2π·x) for x in [0, 1); absolute error below 1e-15.</summary>
    public static double CosineOfTurn(double x)
    {
        // Folded to an eighth of a turn, where the series ends soon.
        x = x > 0.5 ? 1 - x : x;
        double sign = 1;
        if (x > 0.25)
        {
            x = 0.5 - x;
            sign = -1;
        }

        return sign * (x <= 0.125 ? CosineSeries(2 * Math.PI * x) : SineSeries(2 * Math.PI * (0.25 - x)));
    }

    /// <summary>value^exponent by squaring, for exponent ≥ 0.</summary>
    public static double IntegerPower(double value, long exponent)
    {
        double result = 1;
        for (; exponent > 0; exponent >>= 1, value *= value)
        {
            if ((exponent & 1) == 1)
            {
                result *= value;
            }
        }

        return result;
    }

    private static double CosineSeries(double angle)
    {
        double square = angle * angle, term = 1, sum = 1;
        for (int n = 1; n <= TrigonometricTerms; n++)
        {
            term *= -square / ((2 * n - 1) * (2 * n));
            sum += term;
        }

        return sum;
    }

    private static double SineSeries(double angle)
    {
        double square = angle * angle, term = angle, sum = angle;
        for (int n = 1; n <= TrigonometricTerms; n++)
        {
            term *= -square / ((2 * n) * (2 * n + 1));
            sum += term;
        }

        return sum;
    }
}
