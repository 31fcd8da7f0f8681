using System.Buffers.Binary;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// Of each segment of 4,096 values (the last perhaps shorter) the k = max(1, round(ratio·length)) largest by magnitude, of equal ones
/// those of lower index: k indices within the segment as 16-bit numbers, ascending, then k values as float32. The others decode to 0.
/// </summary>
/// <remarks>
/// <para>
/// Indices of 16 bits are the smallest simple form up to the ratio 1/16, from which on a bit for each value would be smaller; but there
/// a value already costs 3 bits, and from 0.18 on bytes for all of them cost less.
/// </para>
/// <para>
/// NaN counts as larger than infinity, so what is not finite is sent first. With error feedback what is sent is not owed any more:
/// its residual is 0, the others' is x.
/// </para>
/// </remarks>
internal sealed class TopKEncoding(EncodingSpec spec, KernelSet kernels) : GradientEncoding(spec, kernels)
{
    private const int Segment = 4096;
    private const int BytesPerValue = sizeof(ushort) + sizeof(float);

    /// <summary>Four steps a factor of two: where the search for the threshold starts below the largest magnitude.</summary>
    private const uint FirstStep = 1 << 21;

    public override int Granularity => Segment;

    private protected override long BytesOf(int count)
    {
        long kept = (long)(count / Segment) * Kept(Segment) + (count % Segment == 0 ? 0 : Kept(count % Segment));
        return kept * BytesPerValue;
    }

    private protected override void EncodeChunk(ReadOnlySpan<float> gradient, Span<float> residual, Span<byte> destination)
    {
        Span<ushort> indices = stackalloc ushort[Kept(Segment)];
        for (int start = 0; start < gradient.Length; start += Segment)
        {
            int count = Math.Min(Segment, gradient.Length - start), kept = Kept(count);
            ReadOnlySpan<float> x = gradient.Slice(start, count);
            Span<float> owed = default;
            if (!residual.IsEmpty)
            {
                owed = residual.Slice(start, count);
                Kernels.Accumulate(x, owed);
                x = owed;
            }

            Select(x, indices[..kept]);
            Span<byte> places = destination[..(kept * sizeof(ushort))], values = destination[places.Length..];
            for (int i = 0; i < kept; i++)
            {
                int index = indices[i];
                float value = x[index];
                uint bits = float.IsNaN(value) ? KernelSet.NaNBits : BitConverter.SingleToUInt32Bits(value);
                BinaryPrimitives.WriteUInt16LittleEndian(places[(i * sizeof(ushort))..], (ushort)index);
                BinaryPrimitives.WriteUInt32LittleEndian(values[(i * sizeof(float))..], bits);
                if (!owed.IsEmpty)
                {
                    owed[index] = 0;
                }
            }

            destination = destination[(kept * BytesPerValue)..];
        }
    }

    private protected override void DecodeChunk(ReadOnlySpan<byte> source, Span<float> destination)
    {
        destination.Clear();
        while (!destination.IsEmpty)
        {
            int count = Math.Min(Segment, destination.Length), kept = Kept(count);
            ReadOnlySpan<byte> places = source[..(kept * sizeof(ushort))], values = source[places.Length..];
            int previous = -1;
            for (int i = 0; i < kept; i++)
            {
                int index = BinaryPrimitives.ReadUInt16LittleEndian(places[(i * sizeof(ushort))..]);
                if (index <= previous || index >= count)
                {
                    throw new InvalidDataException($"index {index} after {previous} in a top-k segment of {count} values");
                }

                destination[index] = BinaryPrimitives.ReadSingleLittleEndian(values[(i * sizeof(float))..]);
                previous = index;
            }

            source = source[(kept * BytesPerValue)..];
            destination = destination[count..];
        }
    }

    private int Kept(int count) => Math.Max(1, (int)Math.Round(Spec.Ratio * count, MidpointRounding.ToEven));

    /// <summary>
    /// The indices of the largest magnitudes. Searches for a threshold that as many magnitudes reach as are wanted, or else for the
    /// largest one that more reach, among whose equals the first are taken. At most some forty counts, mostly ten to fifteen.
    /// </summary>
    private void Select(ReadOnlySpan<float> x, Span<ushort> indices)
    {
        // Always: more than are wanted reach low, and `above`, fewer than are wanted, reach high.
        uint low = 0, high = Kernels.LargestMagnitude(x) + 1, step = FirstStep;
        int above = 0;
        while (high - low > 1)
        {
            uint middle = low + (high - low) / 2;
            if (low == 0 && step < high)
            {
                // Down from the largest in growing steps: what is wanted lies near it, not anywhere from 0 on.
                middle = high - step;
                step *= 2;
            }

            int count = Kernels.CountMagnitudes(x, middle);
            if (count == indices.Length)
            {
                low = middle;
                above = 0;
                break;
            }

            if (count > indices.Length)
            {
                low = middle;
            }
            else
            {
                high = middle;
                above = count;
            }
        }

        Kernels.SelectMagnitudes(x, low, indices.Length - above, indices);
    }
}
