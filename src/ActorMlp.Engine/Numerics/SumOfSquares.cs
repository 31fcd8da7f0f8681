using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ActorMlp.Engine.Numerics;

/// <summary>Sums of squares in double precision, in which a float's square is exact; the order is fixed, whatever the hardware.</summary>
/// <remarks>Vector512 splits itself where registers are narrower; products and sums are elementwise, so the bits are the same.</remarks>
internal static class SumOfSquares
{
    private const int Lane = KernelSet.Lane;

    /// <summary>Σ v²: 16 chains over the indices of equal remainder, ascending, then the chains in order. The length is a multiple of 16.</summary>
    public static double Of(ReadOnlySpan<float> values)
    {
        Span<double> chains = stackalloc double[Lane];
        chains.Clear();
        AddColumns(values, chains);
        double sum = 0;
        foreach (double chain in chains)
        {
            sum += chain;
        }

        return sum;
    }

    /// <summary>Adds to each of 16 columns the squares of its values, <c>[rows][16]</c>, rows ascending.</summary>
    public static void AddColumns(ReadOnlySpan<float> values, Span<double> columns)
    {
        ReadOnlySpan<Vector512<float>> rows = MemoryMarshal.Cast<float, Vector512<float>>(values);
        Vector512<double> low = Vector512.Create<double>(columns), high = Vector512.Create<double>(columns[8..]);
        foreach (Vector512<float> row in rows)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(row);
            low += lower * lower;
            high += upper * upper;
        }

        low.CopyTo(columns);
        high.CopyTo(columns[8..]);
    }
}
