using ActorMlp.Data.Configuration;

namespace ActorMlp.Data;

/// <summary>Scaling x' = (x - offset)·scale, column by column, by constants fitted on the training rows only.</summary>
public sealed class Preprocessing
{
    /// <summary>Scaling by given constants.</summary>
    public Preprocessing(ScalingKind kind, float[] offset, float[] scale, double targetOffset, double targetScale)
    {
        Kind = kind;
        Offset = offset;
        Scale = scale;
        TargetOffset = targetOffset;
        TargetScale = targetScale;
    }

    /// <summary>The kind of scaling.</summary>
    public ScalingKind Kind { get; }

    /// <summary>What is subtracted, <c>[inputs]</c>.</summary>
    public float[] Offset { get; }

    /// <summary>What the difference is multiplied by, <c>[inputs]</c>; 0 for a column that was constant.</summary>
    public float[] Scale { get; }

    /// <summary>Mean of the target that is subtracted for training; 0 for none.</summary>
    public double TargetOffset { get; }

    /// <summary>Standard deviation of the target that it is divided by for training; 1 for none.</summary>
    public double TargetScale { get; }

    /// <summary>Fits the constants on the rows of a table that are trained on, in double precision, in row order.</summary>
    public static Preprocessing Fit(ScalingKind kind, RawTable table, IReadOnlyList<int> rows, bool standardizeTarget)
    {
        int columns = table.Columns;
        var offset = new float[columns];
        var scale = new float[columns];
        for (int column = 0; column < columns; column++)
        {
            (double Offset, double Scale) constants = kind switch
            {
                ScalingKind.Standardize => Standardize(rows, row => table.Input(row, column)),
                ScalingKind.MinMax => MinMax(rows, row => table.Input(row, column)),
                ScalingKind.Pixel => (0, 1.0 / 255),
                _ => (0, 1),
            };
            offset[column] = (float)constants.Offset;
            scale[column] = (float)constants.Scale;
        }

        if (!standardizeTarget || table.Numbers.Length == 0)
        {
            return new Preprocessing(kind, offset, scale, 0, 1);
        }

        (double mean, double inverse) = Standardize(rows, row => table.Numbers[row]);
        return new Preprocessing(kind, offset, scale, mean, inverse == 0 ? 1 : 1 / inverse);
    }

    /// <summary>Scales a table's inputs in place.</summary>
    public void Apply(RawTable table)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            Span<float> inputs = table.RowInputs(row);
            for (int column = 0; column < inputs.Length; column++)
            {
                inputs[column] = (inputs[column] - Offset[column]) * Scale[column];
            }
        }
    }

    /// <summary>A target in the units of the network.</summary>
    public float ApplyToTarget(double target) => (float)((target - TargetOffset) / TargetScale);

    private static (double Offset, double Scale) Standardize(IReadOnlyList<int> rows, Func<int, double> value)
    {
        double sum = 0, squares = 0;
        foreach (int row in rows)
        {
            sum += value(row);
        }

        double mean = sum / rows.Count;
        foreach (int row in rows)
        {
            double difference = value(row) - mean;
            squares += difference * difference;
        }

        double deviation = Math.Sqrt(squares / rows.Count);

        // What is left of a constant column is rounding: a deviation below the mean's own resolution counts as none.
        return (mean, deviation > 1e-12 * Math.Abs(mean) ? 1 / deviation : 0);
    }

    private static (double Offset, double Scale) MinMax(IReadOnlyList<int> rows, Func<int, double> value)
    {
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        foreach (int row in rows)
        {
            min = Math.Min(min, value(row));
            max = Math.Max(max, value(row));
        }

        return (min, max > min ? 1 / (max - min) : 0);
    }
}
