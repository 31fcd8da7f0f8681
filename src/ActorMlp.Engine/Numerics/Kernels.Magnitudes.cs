using System.Numerics;
using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>What the top-k encoding selects with: magnitudes are compared as words, so counts and indices are exact at every width.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Accumulate(ReadOnlySpan<float> addend, Span<float> sum)
    {
        fixed (float* a = addend, s = sum)
        {
            for (int i = 0; i < addend.Length; i += TLanes.Width)
            {
                TLanes.Store(s + i, OneNaN(TLanes.Add(TLanes.Load(a + i), TLanes.Load(s + i))));
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override uint LargestMagnitude(ReadOnlySpan<float> values)
    {
        TWord magnitude = TLanes.BroadcastWord(MagnitudeBits), top = TLanes.BroadcastWord(0);
        fixed (float* x = values)
        {
            for (int i = 0; i < values.Length; i += TLanes.Width)
            {
                top = TLanes.Larger(top, TLanes.And(TLanes.AsWords(TLanes.Load(x + i)), magnitude));
            }
        }

        return TLanes.Largest(top);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int CountMagnitudes(ReadOnlySpan<float> values, uint least)
    {
        // Both sides are below 2³¹: below - magnitude is negative exactly where the magnitude is at least `least`.
        TWord magnitude = TLanes.BroadcastWord(MagnitudeBits), below = TLanes.BroadcastWord(least - 1), counts = TLanes.BroadcastWord(0);
        fixed (float* x = values)
        {
            for (int i = 0; i < values.Length; i += TLanes.Width)
            {
                TWord difference = TLanes.SubtractWords(below, TLanes.And(TLanes.AsWords(TLanes.Load(x + i)), magnitude));
                counts = TLanes.AddWords(counts, TLanes.ShiftRight(difference, 31));
            }
        }

        uint* lanes = stackalloc uint[Lane];
        TLanes.StoreWords(lanes, counts);
        uint count = 0;
        for (int lane = 0; lane < TLanes.Width; lane++)
        {
            count += lanes[lane];
        }

        return (int)count;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int SelectMagnitudes(ReadOnlySpan<float> values, uint least, int ties, Span<ushort> indices)
    {
        TWord magnitude = TLanes.BroadcastWord(MagnitudeBits), below = TLanes.BroadcastWord(least);
        int found = 0;
        fixed (float* x = values)
        {
            for (int i = 0; i < values.Length; i += TLanes.Width)
            {
                // least - 1 - magnitude, as above, written so that least may be 0.
                TWord words = TLanes.And(TLanes.AsWords(TLanes.Load(x + i)), magnitude);
                TWord difference = TLanes.SubtractWords(below, TLanes.AddWords(words, TLanes.BroadcastWord(1)));
                for (uint bits = TLanes.HighestBits(difference); bits != 0; bits &= bits - 1)
                {
                    int at = i + BitOperations.TrailingZeroCount(bits);
                    bool above = (BitConverter.SingleToUInt32Bits(x[at]) & MagnitudeBits) > least;
                    if (found == indices.Length)
                    {
                        return found;
                    }

                    if (above || ties-- > 0)
                    {
                        indices[found++] = (ushort)at;
                    }
                }
            }
        }

        return found;
    }
}
