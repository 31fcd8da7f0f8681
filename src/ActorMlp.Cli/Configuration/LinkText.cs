using System.Globalization;
using ActorMlp.Training.Simulation;

namespace ActorMlp.Cli.Configuration;

/// <summary>Links as people write them: <c>10Gbit/s,50us</c>, what a node can send and receive, and the latency.</summary>
internal static class LinkText
{
    /// <summary>What is expected, for messages.</summary>
    public const string Expected = "rate and latency such as 10Gbit/s,50us or 125MB/s,0.2ms";

    // A unit that ends like another one comes before it.
    private static readonly (string Unit, double BytesPerSecond)[] Units =
        [("kbit/s", 125), ("Mbit/s", 125e3), ("Gbit/s", 125e6), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)];

    /// <summary>The link, or null for what is none.</summary>
    public static LinkModel? Parse(string text)
    {
        if (text.Split(',') is not [{ } rate, { } latency] || DurationText.Parse(latency.Trim()) is not { } time)
        {
            return null;
        }

        foreach ((string unit, double bytes) in Units)
        {
            if (rate.Trim().EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(rate.Trim()[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number > 0)
            {
                return new LinkModel(number * bytes, time);
            }
        }

        return null;
    }

    /// <summary>The same as text.</summary>
    public static string Format(LinkModel link)
    {
        double bits = 8 * link.BytesPerSecond;
        (double value, string unit) = bits >= 1e9 ? (bits / 1e9, "Gbit/s") : bits >= 1e6 ? (bits / 1e6, "Mbit/s") : (bits / 1e3, "kbit/s");
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.###}{unit},{DurationText.Format(link.Latency)}");
    }
}
