using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>How well a network does on some rows; means over rows.</summary>
[MessagePackObject]
public sealed record SplitMetrics
{
    /// <summary>Mean cost of a row, penalties not included.</summary>
    [Key(0)]
    public required double Loss { get; init; }

    /// <summary>Share of rows classified correctly; null in regression.</summary>
    [Key(1)]
    public double? Accuracy { get; init; }

    /// <summary>Root of the mean squared error, in the target's own units; null in classification.</summary>
    [Key(2)]
    public double? Rmse { get; init; }

    /// <summary>Coefficient of determination R²; null in classification, or where the target is constant.</summary>
    [Key(3)]
    public double? R2 { get; init; }
}

/// <summary>One epoch, measured.</summary>
[MessagePackObject]
public sealed record EpochMetrics
{
    /// <summary>The epoch, 1-based.</summary>
    [Key(0)]
    public required int Epoch { get; init; }

    /// <summary>Steps committed up to its end.</summary>
    [Key(1)]
    public required long Step { get; init; }

    /// <summary>On the training rows, each as it was trained on (dropout on, weights of its step).</summary>
    [Key(2)]
    public required SplitMetrics Train { get; init; }

    /// <summary>On the validation rows with the weights at the epoch's end; null without such rows.</summary>
    [Key(3)]
    public SplitMetrics? Validation { get; init; }

    /// <summary>Learning rate of the epoch's last step.</summary>
    [Key(4)]
    public required double LearningRate { get; init; }

    /// <summary>Whether this epoch is the best so far on the validation rows.</summary>
    [Key(5)]
    public bool Best { get; init; }

    /// <summary>Rows trained per second of the epoch, evaluation not included.</summary>
    [Key(6)]
    public required double SamplesPerSecond { get; init; }

    /// <summary>Seconds that the epoch took.</summary>
    [Key(7)]
    public required double WallSeconds { get; init; }
}

/// <summary>One committed step.</summary>
[MessagePackObject]
public sealed record StepMetrics
{
    /// <summary>Steps committed with this one (1-based).</summary>
    [Key(0)]
    public required long Step { get; init; }

    /// <summary>The epoch, 1-based.</summary>
    [Key(1)]
    public required int Epoch { get; init; }

    /// <summary>Mean cost of the step's rows, penalties not included.</summary>
    [Key(2)]
    public required double Loss { get; init; }

    /// <summary>Share of the step's rows classified correctly; null in regression.</summary>
    [Key(3)]
    public double? Accuracy { get; init; }

    /// <summary>Learning rate of the step.</summary>
    [Key(4)]
    public required double LearningRate { get; init; }

    /// <summary>Global norm of the mean gradient before clipping; null where clipping is off.</summary>
    [Key(5)]
    public double? GradientNorm { get; init; }
}
