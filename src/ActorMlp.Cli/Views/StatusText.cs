using System.Globalization;
using System.Text;
using System.Text.Json;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Views;

/// <summary>What <c>actormlp cluster status</c> prints.</summary>
internal static class StatusText
{
    public static string ToJson(ClusterStatus status) => JsonSerializer.Serialize(status, RunOptionsJson.Settings);

    public static string Describe(ClusterStatus status)
    {
        string[][] rows =
        [
            ["node", "status", "roles", "shards", "parameters", "shards/s"],
            .. status.Nodes.Select(node => new[]
            {
                node.NodeId + (node.Coordinates ? " *" : ""),
                node.Status,
                string.Join(", ", node.Roles),
                node.FirstShard < 0 ? "-" : node.Shards == 0 ? "in reserve" : $"{node.FirstShard}-{node.FirstShard + node.Shards - 1}",
                node.Parameters == 0 ? "-" : node.Parameters.ToString("N0", CultureInfo.InvariantCulture),
                node.ShardsPerSecond == 0 ? "-" : node.ShardsPerSecond.ToString("N1", CultureInfo.InvariantCulture),
            }),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            text.AppendLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }

        text.AppendLine("* the coordinator is there");
        text.Append(status.RunId is null
            ? "no run"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"run {status.RunId}: view {status.View}, step {status.Step:N0} of {status.TotalSteps:N0}, {status.SamplesPerSecond:N0} samples/s"));
        return text.ToString();
    }
}
