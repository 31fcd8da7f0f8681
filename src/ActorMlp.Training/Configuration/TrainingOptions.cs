using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Training.Configuration;

/// <summary>Which weights a run ends with.</summary>
public enum ModelSelection
{
    /// <summary>Those of the last step.</summary>
    Last,

    /// <summary>Those of the epoch that was best on the validation rows.</summary>
    Best,
}

/// <summary>What decides the best epoch, on the validation rows.</summary>
public enum MonitorKind
{
    /// <summary>The smallest loss.</summary>
    Loss,

    /// <summary>The largest accuracy, then the smallest loss; classification only.</summary>
    Accuracy,
}

/// <summary>The section <c>training</c> of a run file.</summary>
public sealed record TrainingOptions
{
    /// <summary>Times that each training row is seen.</summary>
    [Description("Number of epochs: how often each training row is seen.")]
    [Range(1, 1_000_000)]
    public int Epochs { get; init; } = 20;

    /// <summary>Rows per step.</summary>
    [Description("Rows per step; an epoch's last step has what is left.")]
    [Range(1, 1_048_576)]
    public int BatchSize { get; init; } = 128;

    /// <summary>Seed of all chance.</summary>
    [Description("Seed of everything random: splits, order of rows, initial weights, dropout.")]
    public ulong Seed { get; init; } = 1;

    /// <summary>Shards per step.</summary>
    [Description("Shards that each step is cut into, a power of two: the most workers that can share a step. Part of the run: it decides the order of summation.")]
    [Range(1, 4096)]
    public int ShardsPerStep { get; init; } = 8;

    /// <summary>The share of shards that is computed twice and compared.</summary>
    [Description("Share of the shards, chosen by the seed, that a second worker computes too, to be compared; a run in which they differ fails and names both. Cannot change a bit of the result.")]
    [Range(0.0, 1.0)]
    public double VerifyFraction { get; init; }

    /// <summary>The optimizer.</summary>
    [Description("The optimizer and its constants.")]
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>The learning-rate schedule.</summary>
    [Description("How the learning rate changes over the run.")]
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>How gradients travel.</summary>
    [Description("How gradients travel between nodes. All but float32 lose something, and so decide the result; how many nodes there are does not.")]
    public EncodingOptions Encoding { get; init; } = new();

    /// <summary>How closely workers keep together.</summary>
    [Description("How closely workers keep together, and what that promises of the result.")]
    public ConsistencyOptions Consistency { get; init; } = new();

    /// <summary>L1 penalty.</summary>
    [Description("L1 penalty: adds l1·Σ|w| to the cost; biases are free.")]
    [Range(0.0, 1000.0)]
    public double L1 { get; init; }

    /// <summary>L2 penalty.</summary>
    [Description("L2 penalty: adds l2/2·Σw² to the cost; biases are free. For decoupled decay see optimizer.weightDecay.")]
    [Range(0.0, 1000.0)]
    public double L2 { get; init; }

    /// <summary>Largest norm of a unit's incoming weights.</summary>
    [Description("Largest Euclidean norm of a unit's incoming weights; no limit if absent.")]
    [Range(1e-6, 1e6)]
    public double? MaxNorm { get; init; }

    /// <summary>Largest global norm of the gradient.</summary>
    [Description("Largest global Euclidean norm of the gradient (it is scaled down to it); no limit if absent.")]
    [Range(1e-6, 1e6)]
    public double? ClipNorm { get; init; }

    /// <summary>Which weights the run ends with.</summary>
    [Description("Which weights the run ends with: of the last step, or of the epoch that was best on the validation rows.")]
    public ModelSelection Keep { get; init; } = ModelSelection.Last;

    /// <summary>What decides the best epoch.</summary>
    [Description("What decides the best epoch, on the validation rows.")]
    public MonitorKind Monitor { get; init; } = MonitorKind.Loss;
}

/// <summary>The section <c>training.optimizer</c>.</summary>
public sealed record OptimizerOptions
{
    /// <summary>The rule.</summary>
    [Description("The update rule.")]
    public OptimizerKind Kind { get; init; } = OptimizerKind.Adam;

    /// <summary>η₀.</summary>
    [Description("Learning rate at the start (after warm-up).")]
    [Range(1e-12, 1000.0)]
    public double LearningRate { get; init; } = 0.001;

    /// <summary>μ.</summary>
    [Description("momentum and nesterov: the share of the velocity that is kept.")]
    [Range(0.0, 0.999999)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>ρ.</summary>
    [Description("rmsProp: the share of the mean square that is kept.")]
    [Range(0.0, 0.999999)]
    public double Rho { get; init; } = 0.99;

    /// <summary>β₁.</summary>
    [Description("adam and adamW: the share of the first moment that is kept.")]
    [Range(0.0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    [Description("adam and adamW: the share of the second moment that is kept.")]
    [Range(0.0, 0.999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Description("adaGrad, rmsProp, adam and adamW: keeps divisions finite.")]
    [Range(1e-12, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>λ.</summary>
    [Description("adamW: decoupled weight decay, times the learning rate; biases are free.")]
    [Range(0.0, 100.0)]
    public double WeightDecay { get; init; } = 0.01;
}

/// <summary>The section <c>training.encoding</c>.</summary>
public sealed record EncodingOptions
{
    /// <summary>The encoding.</summary>
    [Description("The encoding: float32 loses nothing; bfloat16 and float16 have 16 bits a value, int8 8.5, topK sends the largest values only.")]
    public GradientEncodingKind Kind { get; init; } = GradientEncodingKind.Float32;

    /// <summary>Subtrees that are encoded by themselves.</summary>
    [Description("All but float32: in how many sums the shards of a step are encoded, a power of two up to shardsPerStep. As many workers can share a step; with fewer workers each sends several.")]
    [Range(1, 4096)]
    public int Subtrees { get; init; } = 4;

    /// <summary>Floats that share a scale.</summary>
    [Description("int8: values that share a scale, a power of two.")]
    [Range(EncodingSpec.LeastBlockSize, EncodingSpec.LargestBlockSize)]
    public int BlockSize { get; init; } = 64;

    /// <summary>The share of values that is kept.</summary>
    [Description("topK: the share of values that is sent.")]
    [Range(1e-6, EncodingSpec.LargestRatio)]
    public double Ratio { get; init; } = 0.01;

    /// <summary>Whether what is lost is added to the next step.</summary>
    [Description("Whether what an encoding loses is added to the next step's gradient; if absent, int8 and topK do so.")]
    public bool? ErrorFeedback { get; init; }
}

/// <summary>The section <c>training.schedule</c>.</summary>
public sealed record ScheduleOptions
{
    /// <summary>The shape.</summary>
    [Description("The shape of the schedule.")]
    public ScheduleKind Kind { get; init; } = ScheduleKind.Constant;

    /// <summary>Epochs of linear warm-up.</summary>
    [Description("Epochs of linear warm-up at the start; fractions are allowed.")]
    [Range(0.0, 100_000.0)]
    public double WarmupEpochs { get; init; }

    /// <summary>Epochs between two drops.</summary>
    [Description("step: epochs between two drops.")]
    [Range(1, 1_000_000)]
    public int IntervalEpochs { get; init; } = 10;

    /// <summary>What each drop multiplies by.</summary>
    [Description("step: what each drop multiplies the learning rate by.")]
    [Range(1e-6, 1.0)]
    public double Factor { get; init; } = 0.1;

    /// <summary>Where the cosine ends.</summary>
    [Description("cosine: learning rate at the end of the run.")]
    [Range(0.0, 1000.0)]
    public double Minimum { get; init; }

    /// <summary>Decay per epoch.</summary>
    [Description("inverseTime: learning rate / (1 + decay·epochs), falling step by step.")]
    [Range(0.0, 1000.0)]
    public double Decay { get; init; }
}
