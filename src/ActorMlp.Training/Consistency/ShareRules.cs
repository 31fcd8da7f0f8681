namespace ActorMlp.Training.Consistency;

/// <summary>How a run is made of shares, as far as the state machines need to know.</summary>
/// <param name="Rule">Its consistency.</param>
/// <param name="TrainingRows">Training rows.</param>
/// <param name="BatchSize">Rows per step; an epoch's last step has what is left.</param>
/// <param name="Shards">Shards per step, a power of two.</param>
public sealed record ShareRules(ConsistencyRule Rule, int TrainingRows, int BatchSize, int Shards)
{
    /// <summary>The shares of so many workers.</summary>
    public SharePlan PlanOf(int workers) => new(TrainingRows, BatchSize, Shards, workers);
}
