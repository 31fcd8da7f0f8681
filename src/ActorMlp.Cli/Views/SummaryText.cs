using ActorMlp.Cli.Runs;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Views;

/// <summary>The last lines of a run.</summary>
internal static class SummaryText
{
    public static string Describe(RunSummary summary, RunDirectory directory, TrainRequest request)
    {
        var lines = new List<string>
        {
            "",
            $"{(summary.Status == RunStatus.Completed ? "completed" : "stopped")}  {summary.Epochs} epochs, {Figures.Count(summary.Steps)} steps "
                + $"in {Figures.Seconds(summary.WallSeconds)}, {Figures.Count(summary.SamplesPerSecond)} samples/s",
        };
        Add(lines, "train", summary.Train, "");
        string of = summary.ModelEpoch == summary.Epochs ? "" : $"  (weights of epoch {summary.ModelEpoch})";
        Add(lines, "validation", summary.Validation, of);
        Add(lines, "test", summary.Test, of);
        LedgerSummary ledger = summary.Ledger;
        lines.Add($"ledger     {Figures.Count(ledger.ShardsCommitted)} shards committed, {ledger.ShardsReissued} dealt again, {ledger.DuplicatesDropped} duplicates dropped{(ledger.ShardsVerified > 0 ? $", {Figures.Count(ledger.ShardsVerified)} verified" : "")}");
        if (ledger.ShardsLate > 0)
        {
            lines.Add($"late       {Figures.Count(ledger.ShardsLate)} shards were computed by another worker too, {Figures.Count(ledger.ShardsInVain)} in vain");
        }

        if (summary.Status == RunStatus.Completed)
        {
            lines.Add($"run folder {directory.Path}");
        }
        else
        {
            lines.Add($"resume     actormlp train {request.ConfigurationFile} --resume --out {directory.Path}{Overrides(request)}");
        }

        lines.Add($"weights SHA-256 {summary.WeightsSha256}");
        return string.Join(Environment.NewLine, lines);
    }

    private static void Add(List<string> lines, string split, SplitMetrics? metrics, string remark)
    {
        if (metrics is not null)
        {
            lines.Add($"{split,-10} {Figures.Describe(metrics)}{remark}");
        }
    }

    private static string Overrides(TrainRequest request)
    {
        string text = string.Concat(request.Overrides.Set.Select(assignment => $" --set '{assignment}'"));
        text += request.Overrides.Workers is { } workers ? $" --workers {workers}" : "";
        text += request.Overrides.Threads is { } threads ? $" --threads {threads}" : "";
        text += request.Overrides.DataDirectory is { } data ? $" --data-dir {data}" : "";
        return text + (request.Overrides.CacheDirectory is { } cache ? $" --cache-dir {cache}" : "");
    }
}
