namespace ActorMlp.Engine.Optimizers;

/// <summary>The shape of a learning-rate schedule.</summary>
public enum ScheduleKind
{
    /// <summary>η_t = η₀.</summary>
    Constant,

    /// <summary>η_t = η₀·factor^⌊t / interval⌋.</summary>
    Step,

    /// <summary>Linear warm-up to η₀, then half a cosine down to the minimum at the last step (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>η_t = η₀ / (1 + decay·t).</summary>
    InverseTime,
}

/// <summary>The learning rate as a function of the step.</summary>
public sealed record ScheduleSpec
{
    /// <summary>The shape.</summary>
    public required ScheduleKind Kind { get; init; }

    /// <summary>η₀.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Steps in the whole run; where the cosine ends.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Steps of linear warm-up, for every kind: η is multiplied by (t+1) / warm-up steps before their end.</summary>
    public long WarmupSteps { get; init; }

    /// <summary>Steps between two drops of <see cref="ScheduleKind.Step"/>.</summary>
    public long IntervalSteps { get; init; } = 1;

    /// <summary>What each drop of <see cref="ScheduleKind.Step"/> multiplies by.</summary>
    public double Factor { get; init; } = 0.1;

    /// <summary>Where the cosine ends.</summary>
    public double Minimum { get; init; }

    /// <summary>decay of <see cref="ScheduleKind.InverseTime"/>, per step.</summary>
    public double Decay { get; init; }

    /// <summary>The learning rate of a step (0-based), computed in double precision.</summary>
    public double At(long step)
    {
        if (step < WarmupSteps)
        {
            return LearningRate * (step + 1) / WarmupSteps;
        }

        return Kind switch
        {
            ScheduleKind.Constant => LearningRate,
            ScheduleKind.Step => LearningRate * IntegerPower(Factor, step / IntervalSteps),
            ScheduleKind.Cosine => Cosine(step),
            ScheduleKind.InverseTime => LearningRate / (1 + Decay * step),
            _ => throw new ArgumentOutOfRangeException(nameof(step), Kind, "unknown schedule"),
        };
    }

    private double Cosine(long step)
    {
        long span = Math.Max(1, TotalSteps - WarmupSteps);
        double progress = Math.Min(1.0, (double)(step - WarmupSteps) / span);
        return Minimum + 0.5 * (LearningRate - Minimum) * (1 + CosinePi(progress));
    }

    /// <summary>cos(π·x) for x in [0, 1] from multiplications alone: the C library's cosine differs between platforms.</summary>
    private static double CosinePi(double x)
    {
        // cos(πx) = -cos(π(1-x)) folds to [0, 1/2]; sin(π(1/2-x)) folds again to an argument of at most π/4 in the series.
        if (x > 0.5)
        {
            return -CosinePi(1 - x);
        }

        return x <= 0.25 ? CosineSeries(Math.PI * x) : SineSeries(Math.PI * (0.5 - x));
    }

    private static double CosineSeries(double angle)
    {
        double square = angle * angle, term = 1, sum = 1;
        for (int n = 1; n <= 10; n++)
        {
            term *= -square / ((2 * n - 1) * (2 * n));
            sum += term;
        }

        return sum;
    }

    private static double SineSeries(double angle)
    {
        double square = angle * angle, term = angle, sum = angle;
        for (int n = 1; n <= 10; n++)
        {
            term *= -square / ((2 * n) * (2 * n + 1));
            sum += term;
        }

        return sum;
    }

    private static double IntegerPower(double value, long exponent)
    {
        double result = 1;
        for (; exponent > 0; exponent >>= 1, value *= value)
        {
            if ((exponent & 1) == 1)
            {
                result *= value;
            }
        }

        return result;
    }
}
