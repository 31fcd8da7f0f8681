using System.ComponentModel.DataAnnotations;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Tests.Storage;

namespace ActorMlp.Training.Tests.Configuration;

public sealed class RunOptionsValidatorTests : IDisposable
{
    private readonly TestFolder folder = new();

    public RunOptionsValidatorTests() => folder.Write("rows.csv", "");

    private static RunOptions Valid { get; } = new() { Data = new DataOptions { Train = "rows.csv", Target = "kind" } };

    private static RunOptions Regression { get; } = Valid with { Data = Valid.Data with { Task = DataTask.Regression } };

    /// <summary>Options that break one rule, the key that is named, and a part of what is said.</summary>
    public static TheoryData<RunOptions, string, string> BrokenRules { get; } = new()
    {
        { Valid with { Data = Valid.Data with { Target = null } }, "data.target", "is required" },
        { Valid with { Data = Valid.Data with { ValidationFraction = 0.95 } }, "data.validationFraction", "is 0.95; allowed: 0 to 0.9" },
        { Valid with { Data = Valid.Data with { TestFraction = -0.1 } }, "data.testFraction", "is -0.1; allowed: 0 to 0.9" },
        { Valid with { Data = Valid.Data with { LimitRows = 0 } }, "data.limitRows", "is 0; allowed: 1 to" },

        { Model(model => model with { Hidden = [8, 0] }), "model.hidden[1]", "is 0; allowed: 1 to 65536" },
        { Model(model => model with { Activation = [ActivationKind.Relu, ActivationKind.Tanh] }), "model.activation", "has 2 values for 1 hidden layers" },
        { Model(model => model with { Hidden = [8, 8], Activation = [] }), "model.activation", "has 0 values for 2" },
        { Model(model => model with { Activation = [ActivationKind.Softmax] }), "model.activation", "output only" },
        { Model(model => model with { Dropout = [0.1, 0.2] }), "model.dropout", "has 2 values for 1 hidden layers" },
        { Model(model => model with { Dropout = [0.99] }), "model.dropout[0]", "is 0.99; allowed: 0 to 0.95" },
        { Model(model => model with { InputDropout = 1 }), "model.inputDropout", "allowed: 0 to 0.95" },
        { Model(model => model with { LeakySlope = 2 }), "model.leakySlope", "allowed: 0 to 1" },
        { Model(model => model with { LeakySlope = double.NaN }), "model.leakySlope", "is NaN" },
        { Model(model => model with { InitialConstant = 1001 }), "model.initialConstant", "allowed: -1000 to 1000" },
        { Model(model => model with { OutputActivation = ActivationKind.Sigmoid }), "model.outputActivation", "needs model.loss" },
        {
            Model(model => model with { Loss = LossKind.CategoricalCrossEntropy, OutputActivation = ActivationKind.Sigmoid }),
            "model.outputActivation",
            "is sigmoid; categoricalCrossEntropy needs softmax"
        },
        {
            Model(model => model with { Loss = LossKind.BinaryCrossEntropy, OutputActivation = ActivationKind.Softmax }),
            "model.outputActivation",
            "is softmax; binaryCrossEntropy needs sigmoid"
        },
        {
            Model(model => model with { Loss = LossKind.MeanSquaredError, OutputActivation = ActivationKind.Softmax }),
            "model.outputActivation",
            "categoricalCrossEntropy only"
        },
        {
            Regression with { Model = new ModelOptions { Loss = LossKind.BinaryCrossEntropy } },
            "model.loss",
            "binaryCrossEntropy needs classes; allowed for regression: meanSquaredError"
        },

        { Training(training => training with { Epochs = 0 }), "training.epochs", "allowed: 1 to 1000000" },
        { Training(training => training with { BatchSize = 2_000_000 }), "training.batchSize", "allowed: 1 to 1048576" },
        { Encoding(new() { Kind = GradientEncodingKind.Bfloat16, Subtrees = 3 }), "training.encoding.subtrees", "is 3; allowed: a power of two up to training.shardsPerStep (8)" },
        { Encoding(new() { Kind = GradientEncodingKind.TopK, Subtrees = 16 }), "training.encoding.subtrees", "is 16; allowed: a power of two up to training.shardsPerStep (8)" },
        { Encoding(new() { Kind = GradientEncodingKind.Int8, BlockSize = 48 }), "training.encoding.blockSize", "allowed are powers of two" },
        { Encoding(new() { Kind = GradientEncodingKind.TopK, Ratio = 0.5 }), "training.encoding.ratio", "allowed: 1E-06 to 0.25" },
        { Encoding(new() { ErrorFeedback = true }), "training.encoding.errorFeedback", "loses nothing to feed back" },
        { Consistency(new() { Staleness = 4 }), "training.consistency.staleness", "is 4, but has no effect with mode bsp; set mode: ssp, or leave it out" },
        { Consistency(new() { Mode = ConsistencyMode.Async, Staleness = 4 }), "training.consistency.staleness", "has no effect with mode async" },
        { Consistency(new() { Mode = ConsistencyMode.Ssp, Staleness = -1 }), "training.consistency.staleness", "is -1; allowed: 0 to 1000000" },
        { Consistency(new() { Mode = ConsistencyMode.Ssp, Backups = 0 }), "training.consistency.backups", "is 0, but has no effect with mode ssp; set mode: backup" },
        { Consistency(new() { Mode = ConsistencyMode.Backup, Backups = 4 }), "training.consistency.backups", "is 4, but only 4 workers share a step (cluster.workers, training.shardsPerStep); allowed: 0 to 3" },
        { Consistency(new() { Mode = ConsistencyMode.Backup, AverageEvery = 2 }), "training.consistency.averageEvery", "has no effect with mode backup; set mode: local" },
        { Consistency(new() { Mode = ConsistencyMode.Local, AverageEvery = 0 }), "training.consistency.averageEvery", "is 0; allowed: 1 to 1000000" },
        {
            Training(training => training with { Consistency = new() { Mode = ConsistencyMode.Local }, Encoding = new() { Kind = GradientEncodingKind.Int8 } }),
            "training.consistency.mode",
            "is local, which sends gradients as they are; allowed: bsp, or training.encoding.kind: float32"
        },
        { Training(training => training with { ShardsPerStep = 0 }), "training.shardsPerStep", "allowed: 1 to 4096" },
        { Training(training => training with { ShardsPerStep = 6 }), "training.shardsPerStep", "is 6; allowed: a power of two" },
        { Training(training => training with { ShardsPerStep = 16, BatchSize = 8 }), "training.shardsPerStep", "more than the 8 rows" },
        { Training(training => training with { L1 = -1 }), "training.l1", "allowed: 0 to 1000" },
        { Training(training => training with { L2 = -1 }), "training.l2", "allowed: 0 to 1000" },
        { Training(training => training with { MaxNorm = 0 }), "training.maxNorm", "allowed: 1E-06 to 1000000" },
        { Training(training => training with { ClipNorm = 0 }), "training.clipNorm", "allowed: 1E-06 to 1000000" },
        { Training(training => training with { VerifyFraction = 1.5 }), "training.verifyFraction", "is 1.5; allowed: 0 to 1" },
        {
            Training(training => training with { VerifyFraction = 0.5, Encoding = new EncodingOptions { Kind = GradientEncodingKind.Int8 } }),
            "training.verifyFraction",
            "with error feedback (training.encoding) a gradient depends on what its worker owes"
        },
        { Training(training => training with { Keep = ModelSelection.Best }), "training.keep", "needs validation rows" },
        {
            Regression with { Training = new TrainingOptions { Monitor = MonitorKind.Accuracy } },
            "training.monitor",
            "accuracy needs classes; allowed for regression: loss"
        },
        { Optimizer(optimizer => optimizer with { LearningRate = 0 }), "training.optimizer.learningRate", "is 0; allowed" },
        { Optimizer(optimizer => optimizer with { Momentum = 1 }), "training.optimizer.momentum", "is 1; allowed: 0 to 0.999999" },
        { Optimizer(optimizer => optimizer with { Rho = 1 }), "training.optimizer.rho", "is 1; allowed: 0 to 0.999999" },
        { Optimizer(optimizer => optimizer with { Beta1 = 1 }), "training.optimizer.beta1", "is 1; allowed: 0 to 0.999999" },
        { Optimizer(optimizer => optimizer with { Beta2 = 1 }), "training.optimizer.beta2", "is 1; allowed: 0 to 0.999999" },
        { Optimizer(optimizer => optimizer with { Epsilon = 0 }), "training.optimizer.epsilon", "is 0; allowed" },
        { Optimizer(optimizer => optimizer with { WeightDecay = -1 }), "training.optimizer.weightDecay", "is -1; allowed: 0 to 100" },
        { Schedule(schedule => schedule with { WarmupEpochs = -1 }), "training.schedule.warmupEpochs", "is -1; allowed" },
        { Schedule(schedule => schedule with { IntervalEpochs = 0 }), "training.schedule.intervalEpochs", "is 0; allowed" },
        { Schedule(schedule => schedule with { Factor = 1.5 }), "training.schedule.factor", "is 1.5; allowed" },
        { Schedule(schedule => schedule with { Minimum = 0.5 }), "training.schedule.minimum", "is 0.5, more than training.optimizer.learningRate" },
        { Schedule(schedule => schedule with { Decay = -1 }), "training.schedule.decay", "is -1; allowed" },

        { Valid with { Cluster = new ClusterOptions { Workers = 0 } }, "cluster.workers", "is 0; allowed: 1 to 1024" },
        { Valid with { Cluster = new ClusterOptions { Threads = -1 } }, "cluster.threads", "is -1; allowed: 0 to 1024" },
        { Valid with { Cluster = new ClusterOptions { RestartLimit = -1 } }, "cluster.restartLimit", "is -1; allowed" },
        { Valid with { Output = new OutputOptions { CheckpointEverySteps = -1 } }, "output.checkpointEverySteps", "is -1; allowed" },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Check_defaults_lack_only_the_training_file_and_the_target()
    {
        Assert.Equal(["data.train", "data.target"], Check(new RunOptions()).Select(problem => problem.Key));
    }

    [Fact]
    public void Check_defaults_with_file_and_target_break_no_rule()
    {
        Assert.Empty(Check(Valid));
        Assert.Empty(Check(Regression));
    }

    [Fact]
    public void Check_options_at_their_limits_break_no_rule()
    {
        Assert.Empty(Check(Model(model => model with { Hidden = [], Activation = [], Dropout = [] })));
        Assert.Empty(Check(Model(model => model with { Hidden = [] })));
        Assert.Empty(Check(Model(model => model with { Hidden = [65536, 1], Dropout = [0, 0.95] })));
        Assert.Empty(Check(Training(training => training with { ShardsPerStep = 16, BatchSize = 16 })));
        Assert.Empty(Check(Training(training => training with { ShardsPerStep = 1, BatchSize = 1 })));
        Assert.Empty(Check(Schedule(schedule => schedule with { WarmupEpochs = 20, Minimum = 0.001 })));
        Assert.Empty(Check(Consistency(new() { Mode = ConsistencyMode.Ssp, Staleness = 0 })));
        Assert.Empty(Check(Consistency(new() { Mode = ConsistencyMode.Backup, Backups = 3 })));
        Assert.Empty(Check(Consistency(new() { Mode = ConsistencyMode.Local, AverageEvery = 1 })));
        Assert.Empty(Check(Model(model => model with { Loss = LossKind.MeanSquaredError, OutputActivation = ActivationKind.Tanh })));
        Assert.Empty(Check(Valid with
        {
            Data = Valid.Data with { ValidationFraction = 0.9 },
            Training = new TrainingOptions { Keep = ModelSelection.Best, Monitor = MonitorKind.Accuracy },
        }));
    }

    [Theory]
    [MemberData(nameof(BrokenRules), DisableDiscoveryEnumeration = true)]
    public void Check_one_broken_rule_names_its_key(RunOptions options, string key, string message)
    {
        OptionProblem problem = Assert.Single(Check(options));

        Assert.Equal(key, problem.Key);
        Assert.Contains(message, problem.Message);
    }

    [Fact]
    public void Check_several_broken_rules_are_named_at_once()
    {
        RunOptions options = new()
        {
            Data = new DataOptions { Train = "none.csv" },
            Model = new ModelOptions { Hidden = [0, -1], Dropout = [0.1, 0.1, 0.1] },
            Training = new TrainingOptions { Epochs = 0, ShardsPerStep = 3, Keep = ModelSelection.Best },
            Cluster = new ClusterOptions { Workers = 5000 },
        };

        Assert.Equal(
            [
                "cluster.workers", "data.target", "data.train", "model.dropout", "model.hidden[0]", "model.hidden[1]",
                "training.epochs", "training.keep", "training.shardsPerStep",
            ],
            Check(options).Select(problem => problem.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(7, null)]
    [InlineData(-1, "is -1; allowed: 0 to 7")]
    [InlineData(8, "is 8; allowed: 0 to 7")]
    public void OutOfRange_value_beyond_either_end_says_what_is_allowed(int value, string? problem)
    {
        Assert.Equal(problem, RunOptionsValidator.OutOfRange(new RangeAttribute(0, 7), value));
    }

    private static RunOptions Model(Func<ModelOptions, ModelOptions> change) => Valid with { Model = change(Valid.Model) };

    private static RunOptions Training(Func<TrainingOptions, TrainingOptions> change) => Valid with { Training = change(Valid.Training) };

    private static RunOptions Encoding(EncodingOptions encoding) => Training(training => training with { Encoding = encoding });

    private static RunOptions Consistency(ConsistencyOptions consistency) => Training(training => training with { Consistency = consistency });

    private static RunOptions Optimizer(Func<OptimizerOptions, OptimizerOptions> change) =>
        Training(training => training with { Optimizer = change(training.Optimizer) });

    private static RunOptions Schedule(Func<ScheduleOptions, ScheduleOptions> change) =>
        Training(training => training with { Schedule = change(training.Schedule) });

    private IReadOnlyList<OptionProblem> Check(RunOptions options) =>
        RunOptionsValidator.Check(options, new DataPaths(folder.Path, null));
}
