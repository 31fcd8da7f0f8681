using ActorMlp.Engine.Batches;

namespace ActorMlp.Training.Runs;

/// <summary>Where a run stands, beside weights and optimizer: what a checkpoint needs so that the run goes on as if it had never stopped.</summary>
/// <param name="Step">Steps committed.</param>
/// <param name="EpochTotals">Sums over the rows trained since the epoch began; zero where <paramref name="Step"/> ends an epoch, which is evaluated by then.</param>
/// <param name="Best">The best epoch so far on the validation rows; null before the first, or without such rows.</param>
/// <param name="Train">The last finished epoch on the training rows; null before the first.</param>
/// <param name="Validation">The last finished epoch on the validation rows; null before the first, or without such rows.</param>
/// <param name="Ledger">The ledger's counts.</param>
public sealed record RunProgress(
    long Step,
    GradientTotals EpochTotals,
    BestEpoch? Best,
    SplitMetrics? Train,
    SplitMetrics? Validation,
    LedgerSummary Ledger)
{
    /// <summary>A run before its first step.</summary>
    public static RunProgress Start { get; } =
        new(0, default, null, null, null, new LedgerSummary { ShardsCommitted = 0, ShardsReissued = 0, DuplicatesDropped = 0 });
}

/// <summary>The epoch that was best on the validation rows.</summary>
/// <param name="Epoch">The epoch, 1-based.</param>
/// <param name="Validation">Its figures.</param>
public sealed record BestEpoch(int Epoch, SplitMetrics Validation);
