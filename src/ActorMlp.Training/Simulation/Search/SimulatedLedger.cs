using ActorMlp.Training.Audits;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation.Search;

/// <summary>The ledger of a simulated run of <see cref="CheckingModel"/>, which has a row for each shard: written as that of a real run is, in memory, and audited.</summary>
public static class SimulatedLedger
{
    /// <summary>Writes a run's events down as they came, and audits what was written.</summary>
    /// <param name="shape">The run in numbers.</param>
    /// <param name="result">How it ended, and what was told of it.</param>
    /// <returns>The audit, up to the line that does not hold, and what does not hold there; null if all does.</returns>
    public static (LedgerAuditor Auditor, string? Problem) Audit(RunShape shape, SimulationResult result)
    {
        using var lines = new MemoryStream();
        var log = LedgerLog.Over(lines);
        log.Record(new RunStarted
        {
            RunId = "simulated",
            Parameters = 1,
            LayerSizes = [1, 1],
            TrainingRows = shape.StepsPerEpoch * shape.Shards,
            ValidationRows = 0,
            TestRows = 0,
            Epochs = shape.Epochs,
            StepsPerEpoch = shape.StepsPerEpoch,
            FirstStep = 0,
            Workers = 1,
            Threads = 1,
            Kernel = "none",
        });
        foreach (RunEvent one in result.Events)
        {
            log.Record(one);
        }

        var auditor = new LedgerAuditor(new TrainingOptions { Epochs = shape.Epochs, BatchSize = shape.Shards, ShardsPerStep = shape.Shards });
        var reader = new LedgerReader();
        int number = 0;
        lines.Position = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> line in LedgerFile.WholeLines(lines))
            {
                number++;
                auditor.Enter(reader.Read(line));
            }
        }
        catch (Exception exception) when (exception is AuditException or LedgerFormatException)
        {
            return (auditor, $"line {number} of the ledger: {exception.Message}");
        }

        LedgerSummary? told = result.Conclusion?.Progress.Ledger;
        (long, long, long) counts = (auditor.ShardsRedealt, auditor.DuplicatesDropped, auditor.ShardsInVain);
        return (auditor, auditor.Steps != shape.TotalSteps ? $"the ledger ends after {auditor.Steps} steps of {shape.TotalSteps}"
            : counts != (told?.ShardsReissued, told?.DuplicatesDropped, told?.ShardsInVain) ? $"the ledger has {counts} shards dealt again, results dropped and shards in vain; the run's end says {told}"
            : null);
    }
}
