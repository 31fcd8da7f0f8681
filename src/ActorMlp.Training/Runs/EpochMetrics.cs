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
public sealed record EpochMetrics
{
    /// <summary>The epoch, 1-based.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps committed up to its end.</summary>
    public required long Step { get; init; }

    /// <summary>On the training rows, each as it was trained on (dropout on, weights of its step).</summary>
    public required SplitMetrics Train { get; init; }

    /// <summary>On the validation rows with the weights at the epoch's end; null without such rows.</summary>
    public SplitMetrics? Validation { get; init; }

    /// <summary>Learning rate of the epoch's last step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Whether this epoch is the best so far on the validation rows.</summary>
    public bool Best { get; init; }

    /// <summary>Rows trained per second of the epoch, evaluation not included.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>Seconds that the epoch took.</summary>
    public required double WallSeconds { get; init; }
}

/// <summary>One committed step.</summary>
public sealed record StepMetrics
{
    /// <summary>Steps committed with this one (1-based).</summary>
    public required long Step { get; init; }

    /// <summary>The epoch, 1-based.</summary>
    public required int Epoch { get; init; }

    /// <summary>Mean cost of the step's rows, penalties not included.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of the step's rows classified correctly; null in regression.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Global norm of the mean gradient before clipping; null where clipping is off.</summary>
    public double? GradientNorm { get; init; }
}
