using System.Globalization;

namespace ActorMlp.Cluster.Faults;

/// <summary>Times, rates and shares as people write them.</summary>
public static class LinkQuantity
{
    /// <summary>What a time looks like.</summary>
    public const string TimeForm = "a time such as 200us, 5ms or 1.5s";

    /// <summary>What a rate looks like.</summary>
    public const string RateForm = "a rate such as 500kbit/s, 100Mbit/s or 1Gbit/s, or off";

    /// <summary>What a share looks like.</summary>
    public const string ShareForm = "a share such as 0.01";

    // The longest unit first, as the others end like it.
    private static readonly (string Unit, double Seconds)[] Times = [("us", 1e-6), ("ms", 1e-3), ("s", 1)];
    private static readonly (string Unit, double BitsPerSecond)[] Rates = [("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("bit/s", 1)];

    /// <summary>Reads a time.</summary>
    public static bool TryParseTime(string text, out TimeSpan time)
    {
        bool read = TryParse(text, Times, out double seconds) && seconds <= TimeSpan.FromDays(1).TotalSeconds;
        time = read ? TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond)) : default;
        return read;
    }

    /// <summary>Reads a rate; <c>off</c> is none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="bitsPerSecond">The rate; null for no limit.</param>
    public static bool TryParseRate(string text, out double? bitsPerSecond)
    {
        bool read = TryParse(text, Rates, out double rate);
        bitsPerSecond = read ? rate : null;
        return read || text == "off";
    }

    /// <summary>Reads a share.</summary>
    public static bool TryParseShare(string text, out double share) => TryParseNumber(text, out share);

    private static bool TryParse(string text, (string Unit, double Factor)[] units, out double value)
    {
        (string unit, double factor) = units.FirstOrDefault(unit => text.EndsWith(unit.Unit, StringComparison.Ordinal));
        value = 0;
        if (unit is null || !TryParseNumber(text[..^unit.Length], out double number))
        {
            return false;
        }

        value = number * factor;
        return true;
    }

    private static bool TryParseNumber(string text, out double number) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}
