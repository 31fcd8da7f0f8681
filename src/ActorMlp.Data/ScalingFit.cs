using ActorMlp.Data.Configuration;

namespace ActorMlp.Data;

/// <summary>
/// Finds scaling constants from rows that come one by one, twice: first for means and extremes, then for the spread around the means. Each column is
/// one chain of additions in double precision, in row order, so the constants are the same bits wherever the rows come from.
/// </summary>
internal sealed class ScalingFit
{
    private readonly ScalingKind kind;
    private readonly bool fitsTarget;
    private readonly double[] sums;
    private readonly double[] means;
    private readonly double[] squares;
    private readonly double[] minima;
    private readonly double[] maxima;
    private double targetSum;
    private double targetMean;
    private double targetSquares;
    private int rows;

    /// <summary>A fit that has seen no row.</summary>
    /// <param name="kind">How inputs are to be scaled.</param>
    /// <param name="columns">Number of input columns.</param>
    /// <param name="fitsTarget">Whether the target is standardised.</param>
    public ScalingFit(ScalingKind kind, int columns, bool fitsTarget)
    {
        this.kind = kind;
        this.fitsTarget = fitsTarget;
        sums = new double[columns];
        means = new double[columns];
        squares = new double[columns];
        minima = new double[columns];
        maxima = new double[columns];
        minima.AsSpan().Fill(double.PositiveInfinity);
        maxima.AsSpan().Fill(double.NegativeInfinity);
    }

    /// <summary>Whether the rows are needed at all.</summary>
    public bool NeedsRows => kind is ScalingKind.Standardize or ScalingKind.MinMax || fitsTarget;

    /// <summary>Whether they are needed a second time.</summary>
    public bool NeedsRowsTwice => kind == ScalingKind.Standardize || fitsTarget;

    /// <summary>Takes the next row of the first round.</summary>
    public void Add(ReadOnlySpan<float> inputs, double target)
    {
        rows++;
        targetSum += target;
        if (kind == ScalingKind.Standardize)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                sums[i] += inputs[i];
            }
        }
        else if (kind == ScalingKind.MinMax)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                minima[i] = Math.Min(minima[i], inputs[i]);
                maxima[i] = Math.Max(maxima[i], inputs[i]);
            }
        }
    }

    /// <summary>The first round is over.</summary>
    public void EndFirstRound()
    {
        targetMean = targetSum / rows;
        for (int i = 0; i < sums.Length; i++)
        {
            means[i] = sums[i] / rows;
        }
    }

    /// <summary>Takes the next row of the second round.</summary>
    public void AddAgain(ReadOnlySpan<float> inputs, double target)
    {
        double difference = target - targetMean;
        targetSquares += difference * difference;
        if (kind == ScalingKind.Standardize)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                double deviation = inputs[i] - means[i];
                squares[i] += deviation * deviation;
            }
        }
    }

    /// <summary>The constants.</summary>
    public Preprocessing ToPreprocessing()
    {
        var offset = new float[sums.Length];
        var scale = new float[sums.Length];
        for (int i = 0; i < offset.Length; i++)
        {
            (double Offset, double Scale) constants = kind switch
            {
                ScalingKind.Standardize => (means[i], Inverse(means[i], squares[i])),
                ScalingKind.MinMax => (minima[i], maxima[i] > minima[i] ? 1 / (maxima[i] - minima[i]) : 0),
                ScalingKind.Pixel => (0, 1.0 / 255),
                _ => (0, 1),
            };
            offset[i] = (float)constants.Offset;
            scale[i] = (float)constants.Scale;
        }

        if (!fitsTarget)
        {
            return new Preprocessing(kind, offset, scale, 0, 1);
        }

        double inverse = Inverse(targetMean, targetSquares);
        return new Preprocessing(kind, offset, scale, targetMean, inverse == 0 ? 1 : 1 / inverse);
    }

    private double Inverse(double mean, double squares)
    {
        double deviation = Math.Sqrt(squares / rows);

        // What is left of a constant column is rounding: a deviation below the mean's own resolution counts as none.
        return deviation > 1e-12 * Math.Abs(mean) ? 1 / deviation : 0;
    }
}
