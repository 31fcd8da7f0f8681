using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Simulation;

/// <summary>What shares are computed with in a <see cref="CheckingModel"/>: an update depends on its number, its step, its rows and a state of its own.</summary>
/// <param name="model">The model.</param>
internal sealed class CheckingShares(CheckingModel model) : IShareModel
{
    public int Length => model.Length;

    public GradientTotals ComputeGradient(long clock, TreeNode node, ReadOnlySpan<float> weights, Span<float> sum) => model.Compute(clock, node, weights, sum);

    public IShareOptimizer CreateOptimizer() => new Optimizer(model);

    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block, ReadOnlySpan<float> weights) => model.Evaluate(split, block, weights);

    private sealed class Optimizer(CheckingModel model) : IShareOptimizer
    {
        private readonly float[] velocity = new float[model.Length];

        public IReadOnlyList<OptimizerSlot> Slots => [new OptimizerSlot("velocity", velocity)];

        public UpdateReport Apply(long update, long clock, ReadOnlySpan<GradientPart> parts, long rows, Span<float> parameters)
        {
            float rate = (float)model.Shape.LearningRate(clock) / (1 + update % 7);
            double squares = 0;
            for (int i = 0; i < parameters.Length; i++)
            {
                float mean = CheckingModel.Sum(TreeNode.Root(model.Shape.Shards), parts, i) / rows;
                squares += mean * mean;
                velocity[i] = 0.9f * velocity[i] + mean;
                parameters[i] -= rate * velocity[i];
            }

            return new UpdateReport(model.Shape.ClipsNorm ? Math.Sqrt(squares) : null, null);
        }
    }
}
