using ActorMlp.Training.Configuration;

namespace ActorMlp.Training.Consistency;

/// <summary>What the section <c>training.consistency</c> comes to.</summary>
/// <param name="Mode">The mode.</param>
/// <param name="Staleness">Steps that a share may be ahead of the slowest, in ssp.</param>
/// <param name="Backups">Shares that a step does not wait for, in backup.</param>
/// <param name="AverageEvery">Steps between two averages, in local.</param>
public sealed record ConsistencyRule(ConsistencyMode Mode, long Staleness, int Backups, int AverageEvery)
{
    /// <summary>The rule of a run file.</summary>
    public static ConsistencyRule Of(ConsistencyOptions options) => new(
        options.Mode,
        options.Mode == ConsistencyMode.Ssp ? options.Staleness : long.MaxValue,
        options.Backups,
        options.AverageEvery);

    /// <summary>What is wrong with the rule for a number of workers; null for nothing.</summary>
    /// <param name="workers">Workers that the run begins with.</param>
    /// <param name="shards">Shards per step.</param>
    public string? ProblemWith(int workers, int shards)
    {
        int shares = Math.Min(workers, shards);
        return Mode == ConsistencyMode.Backup && Backups >= shares
            ? $"training.consistency.backups: is {Backups}, but only {shares} workers share a step; allowed: 0 to {shares - 1}"
            : null;
    }

    /// <summary>Updates that a run's log has before a step at which the run can hold.</summary>
    public long UpdatesBefore(SharePlan plan, long step) => Mode switch
    {
        ConsistencyMode.Backup => step,
        ConsistencyMode.Local => plan.AveragesUpTo(step, AverageEvery),
        _ => plan.UpdatesBefore(step),
    };
}
