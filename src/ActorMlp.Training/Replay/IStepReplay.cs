using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Replay;

/// <summary>A run's training, computed again in a plain loop. Call on the pool.</summary>
internal interface IStepReplay
{
    /// <summary>The weights as they stand.</summary>
    ReadOnlySpan<float> Parameters { get; }

    /// <summary>Trains up to a step before which the run could hold.</summary>
    /// <param name="step">Steps done then.</param>
    /// <param name="totals">Sums over the steps trained are added to it, one after the other.</param>
    /// <exception cref="ReplayDiffersException">The log does not tell of a run with this configuration.</exception>
    void TrainUpTo(long step, ref GradientTotals totals);

    /// <summary>Sums of one block of a split with the weights as they stand.</summary>
    EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block);
}
