using ActorMlp.Engine.Batches;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation;

/// <summary>
/// A simulated run that is made of shares, computed again from its log without nodes and messages: what the run must have ended with. The replay also checks that every share is counted
/// once, and that no bound was broken; and of averaged copies it takes nothing from the log but that, so there it is also the run that nothing disturbed.
/// </summary>
public static class ReplayedShares
{
    /// <summary>What does not hold of a run that has ended; null for nothing.</summary>
    /// <param name="model">What was computed.</param>
    /// <param name="result">The run.</param>
    public static string? FindProblem(SimulatedModel model, SimulationResult result)
    {
        ShareRules rules = model.Shape.Sharing!;
        SharePlan plan = rules.PlanOf(result.Shares!.Value);
        float[] weights;
        try
        {
            weights = Train(model, ShareReplay.Of(model.Shares!, plan, rules.Rule, result.Updates, model.CreateState(result.Shares.Value)[0]));
        }
        catch (ReplayDiffersException exception)
        {
            return exception.Message;
        }

        long counted = result.Conclusion!.Progress.Ledger.ShardsCommitted, expected = ShardsOf(model.Shape, result.Updates);
        long last = result.Updates.Count > 0 ? result.Updates[^1].Sequence + 1 : 0;
        return result.Updates.Count != last || result.Updates.Any(update => update.Clock >= result.Conclusion.Progress.Step)
            ? $"the log has {result.Updates.Count} updates up to update {last - 1}"
            : !result.Weights.AsSpan().SequenceEqual(weights) ? "the weights are not those of a replay of the log"
            : counted != expected ? $"the ledger counts {counted} shards, the log {expected}"
            : null;
    }

    private static float[] Train(SimulatedModel model, ShareReplay replay)
    {
        RunShape shape = model.Shape;
        float[] best = [];
        SplitMetrics? bestFigures = null;
        GradientTotals totals = default;
        for (long step = shape.StepsPerEpoch; step <= shape.TotalSteps; step += shape.StepsPerEpoch)
        {
            replay.TrainUpTo(step, ref totals);
            if (shape.ValidationRows > 0 && shape.Keep == ModelSelection.Best)
            {
                EvaluationTotals sum = default;
                for (int block = 0; block < EvaluationBlock.CountFor(shape.ValidationRows); block++)
                {
                    sum += replay.EvaluateBlock(EvaluatedSplit.Validation, block);
                }

                SplitMetrics figures = shape.Measure(sum);
                if (bestFigures is null || shape.Beats(figures, bestFigures))
                {
                    (bestFigures, best) = (figures, replay.Parameters.ToArray());
                }
            }
        }

        return bestFigures is null ? replay.Parameters.ToArray() : best;
    }

    /// <summary>Shards that the ledger must count: all, or those of shares that came in time.</summary>
    private static long ShardsOf(RunShape shape, IReadOnlyList<UpdateRecord> log) => shape.MayDropShards
        ? log.Sum(update => update.Parts.Sum(part => (long)part.End - part.First))
        : shape.TotalSteps * shape.Shards;
}
