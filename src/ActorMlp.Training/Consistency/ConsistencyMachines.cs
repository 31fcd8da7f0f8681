using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>Makes the parameter server of a mode.</summary>
public static class ConsistencyMachines
{
    /// <summary>The machine of a run whose mode is not bsp.</summary>
    /// <param name="shape">The run in numbers.</param>
    /// <param name="plan">Its shares.</param>
    /// <param name="rule">Its consistency.</param>
    /// <param name="step">Steps committed so far.</param>
    /// <exception cref="ArgumentException">The mode is bsp, which has a machine of its own.</exception>
    public static ShareServerMachine Create(RunShape shape, SharePlan plan, ConsistencyRule rule, long step)
    {
        long updates = rule.UpdatesBefore(plan, step);
        return rule.Mode switch
        {
            ConsistencyMode.Ssp or ConsistencyMode.Async => new AsynchronousServerMachine(shape, plan, rule.Staleness, step, updates),
            ConsistencyMode.Backup => new BackupServerMachine(shape, plan, rule.Backups, step),
            ConsistencyMode.Local => new LocalAveragingMachine(shape, plan, rule.AverageEvery, step, updates),
            _ => throw new ArgumentException($"{rule.Mode} is not made of shares", nameof(rule)),
        };
    }
}
