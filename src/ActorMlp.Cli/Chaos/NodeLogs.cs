using System.Globalization;
using System.Text.Json;
using ActorMlp.Cluster.Runs;

namespace ActorMlp.Cli.Chaos;

/// <summary>What the nodes of a chaos run logged, JSON lines in <c>node-PLACE-START.jsonl</c>.</summary>
/// <param name="directory">Where.</param>
internal sealed class NodeLogs(string directory)
{
    private static readonly string StepsName = NodeRunLog.StepsValue.ToString(CultureInfo.InvariantCulture);

    /// <summary>The file of a process.</summary>
    /// <param name="place">The node's number.</param>
    /// <param name="start">How many were started before.</param>
    public string PathOf(int place, int start) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"node-{place}-{start}.jsonl"));

    /// <summary>Up to which step a node had applied updates when its next part in a run ended.</summary>
    /// <param name="place">The node's number.</param>
    /// <param name="after">Since when.</param>
    /// <returns>The number of steps; null if no part ended.</returns>
    public long? StepsAppliedAtNextEnd(int place, DateTimeOffset after)
    {
        (DateTimeOffset At, long Steps)[] ends =
        [
            .. Directory.EnumerateFiles(directory, string.Create(CultureInfo.InvariantCulture, $"node-{place}-*.jsonl"))
                .SelectMany(File.ReadLines).Select(EndOf).OfType<(DateTimeOffset At, long Steps)>().Where(end => end.At >= after).OrderBy(end => end.At),
        ];
        return ends.Length > 0 ? ends[0].Steps : null;
    }

    private static (DateTimeOffset At, long Steps)? EndOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            return root.TryGetProperty("@mt", out JsonElement template) && template.GetString() == NodeRunLog.PartEnded
                ? (root.GetProperty("@t").GetDateTimeOffset(), long.Parse(root.GetProperty(StepsName).ToString(), CultureInfo.InvariantCulture))
                : null;
        }
        catch (JsonException)
        {
            // A line that was cut short with its process.
            return null;
        }
    }
}
