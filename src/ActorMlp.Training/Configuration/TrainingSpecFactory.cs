using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Training.Configuration;

/// <summary>The engine's view of the section <c>training</c>.</summary>
public static class TrainingSpecFactory
{
    /// <summary>The optimizer.</summary>
    public static OptimizerSpec Optimizer(TrainingOptions options) => new()
    {
        Kind = options.Optimizer.Kind,
        Momentum = (float)options.Optimizer.Momentum,
        Rho = (float)options.Optimizer.Rho,
        Beta1 = (float)options.Optimizer.Beta1,
        Beta2 = (float)options.Optimizer.Beta2,
        Epsilon = (float)options.Optimizer.Epsilon,
        WeightDecay = (float)options.Optimizer.WeightDecay,
    };

    /// <summary>The encoding of gradients.</summary>
    public static EncodingSpec Encoding(TrainingOptions options) => new()
    {
        Kind = options.Encoding.Kind,
        BlockSize = options.Encoding.BlockSize,
        Ratio = options.Encoding.Ratio,
        ErrorFeedback = options.Encoding.ErrorFeedback,
    };

    /// <summary>Penalties and bounds.</summary>
    public static RegularizationSpec Regularization(TrainingOptions options) => new()
    {
        L1 = (float)options.L1,
        L2 = (float)options.L2,
        MaxNorm = (float?)options.MaxNorm,
        ClipNorm = (float?)options.ClipNorm,
    };

    /// <summary>The learning-rate schedule, epochs turned into steps.</summary>
    public static ScheduleSpec Schedule(TrainingOptions options, int stepsPerEpoch) => new()
    {
        Kind = options.Schedule.Kind,
        LearningRate = options.Optimizer.LearningRate,
        TotalSteps = (long)options.Epochs * stepsPerEpoch,
        WarmupSteps = (long)Math.Round(options.Schedule.WarmupEpochs * stepsPerEpoch),
        IntervalSteps = (long)options.Schedule.IntervalEpochs * stepsPerEpoch,
        Factor = options.Schedule.Factor,
        Minimum = options.Schedule.Minimum,
        Decay = options.Schedule.Decay / stepsPerEpoch,
    };
}
