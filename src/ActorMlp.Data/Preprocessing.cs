using System.Runtime.CompilerServices;
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
        bool fitsTarget = standardizeTarget && table.Numbers.Length > 0;
        var fit = new ScalingFit(kind, table.Columns, fitsTarget);
        if (fit.NeedsRows)
        {
            foreach (int row in rows)
            {
                fit.Add(table.RowInputs(row), fitsTarget ? table.Numbers[row] : 0);
            }

            fit.EndFirstRound();
        }

        if (fit.NeedsRowsTwice)
        {
            foreach (int row in rows)
            {
                fit.AddAgain(table.RowInputs(row), fitsTarget ? table.Numbers[row] : 0);
            }
        }

        return fit.ToPreprocessing();
    }

    /// <summary>Scales a table's inputs in place.</summary>
    public void Apply(RawTable table)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            Apply(table.RowInputs(row));
        }
    }

    /// <summary>Scales a row's inputs in place.</summary>
    public void Apply(Span<float> inputs) => Scaled(inputs, Offset.AsSpan(0, inputs.Length), Scale.AsSpan(0, inputs.Length));

    /// <summary>Compiled at full speed at once: a process that has just started goes through all its rows before methods are compiled again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scaled(Span<float> inputs, ReadOnlySpan<float> offset, ReadOnlySpan<float> scale)
    {
        for (int column = 0; column < inputs.Length; column++)
        {
            inputs[column] = (inputs[column] - offset[column]) * scale[column];
        }
    }

    /// <summary>A target in the units of the network.</summary>
    public float ApplyToTarget(double target) => (float)((target - TargetOffset) / TargetScale);
}
