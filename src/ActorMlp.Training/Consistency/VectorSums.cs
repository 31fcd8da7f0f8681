using System.Numerics;

namespace ActorMlp.Training.Consistency;

/// <summary>Sums over vectors of floats, element by element; so their bits do not depend on the width of the machine's vectors.</summary>
public static class VectorSums
{
    /// <summary>sum[i] = left[i] + right[i].</summary>
    /// <param name="left">The first operand, <c>[n]</c>.</param>
    /// <param name="right">The second operand, <c>[n]</c>.</param>
    /// <param name="sum">Receives the sum, <c>[n]</c>; may be either operand's memory.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Add(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> sum)
    {
        CheckLength(right.Length, left.Length);
        CheckLength(sum.Length, left.Length);
        int i = 0;
        for (; i <= left.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(left[i..]) + new Vector<float>(right[i..])).CopyTo(sum[i..]);
        }

        for (; i < left.Length; i++)
        {
            sum[i] = left[i] + right[i];
        }
    }

    /// <summary>
    /// mean[i] = (Σ rows[c]·copies[c][i]) / Σ rows[c], in double precision in the order of copies, rounded once. A product of a float and a number of rows below 2²⁹ is exact, so the
    /// mean of one copy is that copy.
    /// </summary>
    /// <param name="copies">The vectors, each <c>[n]</c>; at least one.</param>
    /// <param name="rows">The weight of each, above 0.</param>
    /// <param name="mean">Receives the mean, <c>[n]</c>; apart from the copies.</param>
    /// <exception cref="ArgumentException">Lengths differ, or nothing is there to average.</exception>
    public static void Mean(IReadOnlyList<ReadOnlyMemory<float>> copies, IReadOnlyList<long> rows, Span<float> mean)
    {
        ArgumentNullException.ThrowIfNull(copies);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfZero(copies.Count);
        CheckLength(rows.Count, copies.Count);
        foreach (ReadOnlyMemory<float> copy in copies)
        {
            CheckLength(copy.Length, mean.Length);
        }

        double total = rows.Sum();
        int i = 0;
        for (; i <= mean.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<double> low = default, high = default;
            for (int c = 0; c < copies.Count; c++)
            {
                Vector.Widen(new Vector<float>(copies[c].Span[i..]), out Vector<double> lower, out Vector<double> upper);
                low += lower * rows[c];
                high += upper * rows[c];
            }

            Vector.Narrow(low / new Vector<double>(total), high / new Vector<double>(total)).CopyTo(mean[i..]);
        }

        for (; i < mean.Length; i++)
        {
            double sum = 0;
            for (int c = 0; c < copies.Count; c++)
            {
                sum += (double)copies[c].Span[i] * rows[c];
            }

            mean[i] = (float)(sum / total);
        }
    }

    private static void CheckLength(int length, int expected)
    {
        if (length != expected)
        {
            throw new ArgumentException($"a vector has {length} elements beside one of {expected}");
        }
    }
}
