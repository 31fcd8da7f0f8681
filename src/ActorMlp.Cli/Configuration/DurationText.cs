using System.Globalization;

namespace ActorMlp.Cli.Configuration;

/// <summary>Times as people write them: <c>3.5s</c>, <c>200ms</c>, <c>50us</c>, <c>2m</c>, <c>1h</c>.</summary>
internal static class DurationText
{
    /// <summary>What is expected, for messages.</summary>
    public const string Expected = "a time such as 3.5s, 200ms, 50us, 2m, 1h";

    /// <summary>The same as a regular expression, for schemas.</summary>
    public const string Pattern = @"^[0-9]+(\.[0-9]+)?(us|ms|s|m|h)$";

    // The longer of two units that end alike comes first.
    private static readonly (string Unit, decimal Ticks)[] Units =
    [
        ("us", TimeSpan.TicksPerMicrosecond), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>The time, or null for what is none.</summary>
    public static TimeSpan? Parse(string text)
    {
        foreach ((string unit, decimal ticks) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && decimal.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
                && number < long.MaxValue / 2 / ticks)
            {
                return new TimeSpan((long)decimal.Round(number * ticks));
            }
        }

        return null;
    }

    /// <summary>A time in the largest unit that leaves it above 1.</summary>
    public static string Format(TimeSpan time) => time switch
    {
        _ when time == TimeSpan.Zero => "0s",
        _ when time < TimeSpan.FromMilliseconds(1) => Number(time.TotalMicroseconds) + "us",
        _ when time < TimeSpan.FromSeconds(1) => Number(time.TotalMilliseconds) + "ms",
        _ => Number(time.TotalSeconds) + "s",
    };

    private static string Number(double value) => value.ToString("0.#######", CultureInfo.InvariantCulture);
}
