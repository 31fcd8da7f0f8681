using ActorMlp.Training.Audits;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>What <c>actormlp audit</c> prints.</summary>
internal static class AuditText
{
    private const int EntriesShown = 8;

    public static string Describe(AuditReport report)
    {
        var lines = new List<string>
        {
            $"{report.RunId}: {Figures.Count(report.Steps)} steps of {report.ShardsPerStep} shards, {Figures.Count(report.Epochs)} whole epochs of {Figures.Count(report.TrainingRows)} rows, {Status(report.Status)}",
            "",
        };
        lines.AddRange(WorkerTable(report));
        lines.Add("");
        lines.Add($"dealt again  {Figures.Count(report.ShardsRedealt)} shards{ByReason(report.Redealt)}");
        AddSome(lines, report.Redealt, entry => $"step {Figures.Count(entry.Step)}: {Shards(entry)} of {Worker(entry.Worker)}, {Why(entry.Reason)}");
        lines.Add($"duplicates   {Figures.Count(report.DuplicatesDropped)} results dropped");
        if (report.ShardsInVain > 0)
        {
            lines.Add($"in vain      {Figures.Count(report.ShardsInVain)} shards were computed, but another worker's copy had come, or the step was over");
        }

        if (report.ShardsToVerify > 0)
        {
            lines.Add($"verified     {Figures.Count(report.ShardsVerified)} of {Figures.Count(report.ShardsToVerify)} shards that the configuration has computed twice, with the same bits");
        }

        lines.Add($"rewinds      {Figures.Count(report.Rewinds.Count)}");
        AddSome(lines, report.Rewinds, entry => $"to step {Figures.Count(entry.Step)}, {Figures.Count(entry.StepsTrainedAgain)} steps trained again: {entry.Reason}");
        if (report.ResumedAt.Count > 0)
        {
            lines.Add($"resumed      at step {string.Join(", ", report.ResumedAt.Select(step => Figures.Count(step)))}");
        }

        lines.AddRange(report.Notes.Select(note => $"note         {note}"));
        lines.Add("");
        lines.Add(report.Finding is { } finding
            ? $"does not hold: {finding}"
            : "holds: every shard counted once, every epoch saw every row once; ledger, metrics and summary agree");
        return string.Join(Environment.NewLine, lines);
    }

    private static string Status(RunStatus? status) => status switch
    {
        RunStatus.Completed => "completed",
        RunStatus.Stopped => "stopped",
        _ => "not ended",
    };

    private static IEnumerable<string> WorkerTable(AuditReport report)
    {
        string[][] rows =
        [
            ["worker", "shards", "share", "steps", "rows"],
            .. report.Workers.Select(worker => new[]
            {
                worker.Name, Figures.Count(worker.Shards), Figures.Percent(worker.Share), Figures.Count(worker.Steps), Figures.Count(worker.Rows),
            }),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))));
    }

    private static string ByReason(IReadOnlyList<RedealtEntry> entries) => entries.Count == 0 ? "" : ": " + string.Join(", ", entries
        .GroupBy(entry => entry.Reason)
        .OrderBy(group => group.Key)
        .Select(group => $"{Figures.Count(group.Sum(entry => entry.Count))} {Why(group.Key)}"));

    private static string Why(RedealReason reason) => reason switch
    {
        RedealReason.Lost => "as their worker was lost",
        RedealReason.Late => "to another worker too, as theirs was late",
        _ => "as others' shares changed with that",
    };

    private static string Shards(RedealtEntry entry) => entry.Count == 1 ? $"shard {entry.First}" : $"shards {entry.First}-{entry.First + entry.Count - 1}";

    private static string Worker(string name) => name.Contains(':', StringComparison.Ordinal) ? name : $"worker {name}";

    private static void AddSome<T>(List<string> lines, IReadOnlyList<T> entries, Func<T, string> describe)
    {
        lines.AddRange(entries.Take(EntriesShown).Select(entry => $"             {describe(entry)}"));
        if (entries.Count > EntriesShown)
        {
            lines.Add($"             and {Figures.Count(entries.Count - EntriesShown)} more; --json has them all");
        }
    }
}
