using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>A simulated model trained as a plain loop, without nodes and messages: what every simulated cluster must end with.</summary>
public static class PlainLoop
{
    /// <summary>The weights that the run keeps.</summary>
    public static float[] Train(SimulatedModel model)
    {
        RunShape shape = model.Shape;
        float[][] state = model.CreateState();
        int firstResidual = 1 + model.OptimizerSlots;
        float[] next = new float[model.Length], best = [];
        SplitMetrics? bestFigures = null;
        SimulatedOptimizer optimizer = model.CreateOptimizer(new ParameterRange(0, model.Length), state[1..firstResidual]);
        var piece = new ParameterPiece(0, 0, model.Length);
        for (long step = 0; step < shape.TotalSteps; step++)
        {
            int subtrees = shape.EncodedSubtrees ?? 1;
            var parts = new GradientPart[subtrees];
            GradientTotals totals = default;
            for (int i = 0; i < subtrees; i++)
            {
                var node = new TreeNode(shape.LargestSubtreeLevel, i);
                var gradient = new float[model.Length];
                totals += model.Compute(step, node, state[0], gradient);
                if (model.HasErrorFeedback)
                {
                    float[] owed = [.. state[firstResidual + i]];
                    model.Encode(owed, state[firstResidual + i], gradient);
                }

                parts[i] = new GradientPart(node, gradient);
            }

            double? norm = shape.ClipsNorm ? ParameterUpdater.Norm(optimizer.Measure(piece, parts, totals, state[0])) : null;
            optimizer.Apply(step, piece, parts, totals, norm, state[0], next);
            next.CopyTo(state[0], 0);
            if (shape.EndsEpoch(step + 1) && shape.ValidationRows > 0 && shape.Keep == ModelSelection.Best)
            {
                SplitMetrics figures = Evaluate(model, state[0]);
                if (bestFigures is null || shape.Beats(figures, bestFigures))
                {
                    (bestFigures, best) = (figures, [.. state[0]]);
                }
            }
        }

        return bestFigures is null ? state[0] : best;
    }

    private static SplitMetrics Evaluate(SimulatedModel model, float[] weights)
    {
        EvaluationTotals sum = default;
        for (int block = 0; block < EvaluationBlock.CountFor(model.Shape.ValidationRows); block++)
        {
            sum += model.Evaluate(EvaluatedSplit.Validation, block, weights);
        }

        return model.Shape.Measure(sum);
    }
}
