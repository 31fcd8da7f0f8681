using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Audits;

/// <summary>
/// Proves from the files in a run's folder that every shard of every step was counted exactly once and every epoch saw every training row once, and that
/// ledger, metrics and summary agree.
/// </summary>
public sealed class RunAudit
{
    private readonly RunDirectory directory;
    private readonly RunOptions options;
    private readonly LedgerAuditor auditor;
    private readonly RunSummary? summary;
    private readonly List<string> notes = [];
    private readonly List<double> losses = [];
    private (long Duplicates, long Redealt, long Verified, long InVain, int Epochs)? atSummary;
    private int lines;

    private RunAudit(RunDirectory directory, RunOptions options)
    {
        this.directory = directory;
        this.options = options;
        auditor = new LedgerAuditor(options.Training);
        summary = File.Exists(directory.Summary) ? SummaryFile.Read(directory.Summary) : null;
    }

    private bool IsUnfinished => summary is null || auditor.Steps > summary.Steps;

    /// <summary>Audits a run.</summary>
    /// <param name="directory">Its folder.</param>
    /// <param name="options">Its configuration.</param>
    /// <exception cref="StorageException">There is no ledger, or a file cannot be read.</exception>
    public static AuditReport Of(RunDirectory directory, RunOptions options)
    {
        if (!Directory.Exists(directory.Path))
        {
            throw new StorageException(directory.Path, "is no folder; expected that of a run");
        }

        if (!File.Exists(directory.Ledger))
        {
            throw new StorageException(directory.Ledger, options.Output.Ledger
                ? "is missing: there is nothing to audit"
                : "is missing: the run was trained with output.ledger: false");
        }

        try
        {
            var audit = new RunAudit(directory, options);
            AuditFinding? finding = audit.CheckLedger() ?? audit.CheckMetrics() ?? audit.CheckSummary();
            return audit.Report(finding);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(directory.Path, $"cannot be read: {exception.Message}", exception);
        }
    }

    private AuditFinding? CheckLedger()
    {
        using var file = new FileStream(directory.Ledger, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var reader = new LedgerReader();
        long read = 0;
        foreach (ReadOnlyMemory<byte> line in LedgerFile.WholeLines(file))
        {
            lines++;
            read += line.Length + 1;
            try
            {
                LedgerLine entry = reader.Read(line);
                auditor.Enter(entry);
                Collect(entry);
            }
            catch (Exception exception) when (exception is LedgerFormatException or AuditException)
            {
                return InLedger(exception.Message, lines);
            }
        }

        if (read < file.Length && summary is not null && !IsUnfinished)
        {
            return InLedger("the last line is cut short, but the run has ended", lines + 1);
        }

        if (read < file.Length)
        {
            notes.Add($"{Path.GetFileName(directory.Ledger)}:{lines + 1} is cut short: the process ended as it was written; it counts for nothing");
        }

        return auditor.Start is null ? InLedger("is empty; the start of the run was expected", null) : null;
    }

    private void Collect(LedgerLine line)
    {
        if (line is StepLine { Account: var account })
        {
            losses.Add(account.Totals.LossSum / account.Totals.Rows);
        }

        if (auditor.Steps == summary?.Steps && (line is StepLine || auditor.Steps == 0))
        {
            atSummary = (auditor.DuplicatesDropped, auditor.ShardsRedealt, auditor.ShardsVerified, auditor.ShardsInVain, auditor.Epochs.Count);
        }
    }

    private AuditFinding? CheckMetrics()
    {
        if (!File.Exists(directory.Metrics))
        {
            return auditor.Epochs.Count == 0 ? null : new AuditFinding(Path.GetFileName(directory.Metrics), null, "is missing");
        }

        var check = new MetricsCheck(auditor.Epochs, losses);
        string name = Path.GetFileName(directory.Metrics);
        int number = 0;
        using var text = new StreamReader(new FileStream(directory.Metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (text.ReadLine() is { } line)
        {
            number++;
            if (check.Enter(line) is { } problem)
            {
                return new AuditFinding(name, number, problem);
            }
        }

        return check.End(IsUnfinished) is { } missing ? new AuditFinding(name, null, missing) : null;
    }

    private AuditFinding? CheckSummary()
    {
        if (summary is null)
        {
            notes.Add($"the run has no {Path.GetFileName(directory.Summary)}: it has not ended, was killed, or failed");
            return null;
        }

        return SummaryProblem(summary) is { } problem ? new AuditFinding(Path.GetFileName(directory.Summary), null, problem) : null;
    }

    private string? SummaryProblem(RunSummary told)
    {
        if (atSummary is not { } then || auditor.Steps < told.Steps)
        {
            return $"has {told.Steps} steps, the ledger {auditor.Steps}";
        }

        if (auditor.Steps > told.Steps)
        {
            if (told.Status == RunStatus.Completed || !auditor.ResumedAt.Contains(told.Steps))
            {
                return $"has {told.Steps} steps, the ledger {auditor.Steps}";
            }

            notes.Add($"the run was stopped after {told.Steps} steps and resumed; it has not ended since");
        }

        if (told.Status == RunStatus.Completed && told.Steps != auditor.TotalSteps)
        {
            return $"is of a completed run of {told.Steps} steps; by its configuration it has {auditor.TotalSteps}";
        }

        long shards = told.Steps * options.Training.ShardsPerStep;
        if ((told.Ledger.ShardsCommitted, told.Ledger.ShardsReissued, told.Ledger.DuplicatesDropped) != (shards, then.Redealt, then.Duplicates))
        {
            return $"has {told.Ledger.ShardsCommitted} shards committed, {told.Ledger.ShardsReissued} dealt again and {told.Ledger.DuplicatesDropped} duplicates dropped; the ledger {shards}, {then.Redealt} and {then.Duplicates}";
        }

        if (told.Ledger.ShardsVerified != then.Verified)
        {
            return $"has {told.Ledger.ShardsVerified} shards verified, the ledger {then.Verified}";
        }

        if (told.Ledger.ShardsInVain != then.InVain)
        {
            return $"has {told.Ledger.ShardsInVain} shards computed in vain, the ledger {then.InVain}";
        }

        if (told.Epochs != then.Epochs)
        {
            return $"has {told.Epochs} epochs, the ledger {then.Epochs}";
        }

        return then.Epochs > 0 ? MetricsCheck.Compare(told.Train, auditor.Epochs[then.Epochs - 1]) : null;
    }

    private AuditFinding InLedger(string problem, int? line) => new(Path.GetFileName(directory.Ledger), line, problem);

    private AuditReport Report(AuditFinding? finding) => new()
    {
        RunId = auditor.Start?.RunId ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory.Path))),
        Finding = finding,
        Status = IsUnfinished ? null : summary?.Status,
        Steps = auditor.Steps,
        Epochs = auditor.Epochs.Count,
        TrainingRows = auditor.Start?.TrainingRows ?? 0,
        ShardsPerStep = options.Training.ShardsPerStep,
        Rows = auditor.Rows,
        Workers = auditor.Workers,
        Redealt = auditor.Redealt,
        DuplicatesDropped = auditor.DuplicatesDropped,
        ShardsVerified = auditor.ShardsVerified,
        ShardsInVain = auditor.ShardsInVain,
        ShardsToVerify = auditor.ShardsToVerify,
        Rewinds = auditor.Rewinds,
        ResumedAt = auditor.ResumedAt,
        Notes = notes,
        Lines = lines,
    };
}
