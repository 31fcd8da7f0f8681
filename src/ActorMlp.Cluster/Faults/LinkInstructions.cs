using System.Globalization;

namespace ActorMlp.Cluster.Faults;

/// <summary>
/// What a link is told while it runs, a line each: <c>delay</c>, <c>jitter</c>, <c>loss</c>, <c>breaks</c> and <c>rate</c> with a value, <c>cut</c>, <c>heal</c>, <c>corrupt</c> with the
/// number of a chunk, <c>reset</c>, <c>status</c>. All but the last two may end with <c>out</c> or <c>back</c> for one direction only.
/// </summary>
public static class LinkInstructions
{
    private const string Allowed =
        "delay TIME, jitter TIME, loss SHARE, breaks SHARE, rate RATE|off, cut, heal, corrupt [CHUNK], each with out or back at the end for one direction; reset; status";

    /// <summary>Carries out a line.</summary>
    /// <param name="link">The link.</param>
    /// <param name="line">The line.</param>
    /// <returns><c>ok</c>, with figures after <c>status</c>; or <c>error:</c> and what is wrong, and nothing was changed.</returns>
    public static string Apply(Link link, string line)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(line);
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        LinkDirections directions = words is [_, .., "out"] ? LinkDirections.Out : words is [_, .., "back"] ? LinkDirections.Back : LinkDirections.Both;
        string[] rest = directions == LinkDirections.Both ? words : words[..^1];
        try
        {
            return Apply(link, rest, directions) is { } problem ? $"error: '{line}': {problem}" : words is ["status"] ? $"ok {Describe(link.Traffic)}" : "ok";
        }
        catch (ArgumentException exception)
        {
            return $"error: '{line}': {exception.Message.Split(" (Parameter", 2)[0]}";
        }
    }

    private static string? Apply(Link link, string[] words, LinkDirections directions)
    {
        switch (words)
        {
            case ["delay" or "jitter", var text]:
                if (!LinkQuantity.TryParseTime(text, out TimeSpan time))
                {
                    return Expected(LinkQuantity.TimeForm, text);
                }

                link.Change(directions, before => words[0] == "delay" ? before with { Delay = time } : before with { Jitter = time });
                return null;
            case ["loss" or "breaks", var text]:
                if (!LinkQuantity.TryParseShare(text, out double share))
                {
                    return Expected(LinkQuantity.ShareForm, text);
                }

                link.Change(directions, before => words[0] == "loss" ? before with { Loss = share } : before with { Breaks = share });
                return null;
            case ["rate", var text]:
                if (!LinkQuantity.TryParseRate(text, out double? rate))
                {
                    return Expected(LinkQuantity.RateForm, text);
                }

                link.Change(directions, before => before with { BitsPerSecond = rate });
                return null;
            case ["cut"]:
                link.Cut(directions);
                return null;
            case ["heal"]:
                link.Heal(directions);
                return null;
            case ["corrupt"]:
                link.Corrupt(new LinkCorruptionOrder(1, directions));
                return null;
            case ["corrupt", var text]:
                if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int chunk) || chunk == 0)
                {
                    return Expected("which of the next chunks, from 1", text);
                }

                link.Corrupt(new LinkCorruptionOrder(chunk, directions));
                return null;
            case ["reset"] when directions == LinkDirections.Both:
                link.Reset();
                return null;
            case ["status"] when directions == LinkDirections.Both:
                return null;
            default:
                return $"is no instruction; allowed: {Allowed}";
        }
    }

    private static string Expected(string form, string text) => $"expected {form}, got '{text}'";

    private static string Describe(LinkTraffic traffic) => string.Create(
        CultureInfo.InvariantCulture,
        $"{traffic.Connections} connections, {traffic.Open} open, {traffic.BytesOut} bytes out, {traffic.BytesBack} bytes back, {traffic.SegmentsLost} segments lost, {traffic.ChunksCorrupted} chunks corrupted, {traffic.Broken} connections broken");
}
