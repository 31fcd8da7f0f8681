using ActorMlp.Engine.Batches;
using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>Where a run stands, beside weights and optimizer: what a checkpoint needs so that the run goes on as if it had never stopped.</summary>
/// <param name="Step">Steps committed.</param>
/// <param name="EpochTotals">Sums over the rows trained since the epoch began; zero where <paramref name="Step"/> ends an epoch, which is evaluated by then.</param>
/// <param name="Best">The best epoch so far on the validation rows; null before the first, or without such rows.</param>
/// <param name="Train">The last finished epoch on the training rows; null before the first.</param>
/// <param name="Validation">The last finished epoch on the validation rows; null before the first, or without such rows.</param>
/// <param name="Ledger">The ledger's counts.</param>
[MessagePackObject]
public sealed record RunProgress(
    [property: Key(0)] long Step,
    [property: Key(1)] GradientTotals EpochTotals,
    [property: Key(2)] BestEpoch? Best,
    [property: Key(3)] SplitMetrics? Train,
    [property: Key(4)] SplitMetrics? Validation,
    [property: Key(5)] LedgerSummary Ledger)
{
    /// <summary>A run before its first step.</summary>
    public static RunProgress Start { get; } =
        new(0, default, null, null, null, new LedgerSummary { ShardsCommitted = 0, ShardsReissued = 0, DuplicatesDropped = 0 });
}

/// <summary>The epoch that was best on the validation rows.</summary>
/// <param name="Epoch">The epoch, 1-based.</param>
/// <param name="Validation">Its figures.</param>
[MessagePackObject]
public sealed record BestEpoch([property: Key(0)] int Epoch, [property: Key(1)] SplitMetrics Validation);
