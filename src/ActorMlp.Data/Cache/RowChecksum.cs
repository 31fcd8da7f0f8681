using System.Numerics;
using System.Runtime.InteropServices;

namespace ActorMlp.Data.Cache;

/// <summary>The checksum of a row in a data cache: CRC-32C over its place, inputs and outcome.</summary>
internal static class RowChecksum
{
    /// <summary>The checksum.</summary>
    /// <param name="offset">Where the row begins in the file, so that a row in a wrong place is noticed too.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="outcome">Its label, or the bits of its target.</param>
    public static uint Of(long offset, ReadOnlySpan<float> inputs, int outcome)
    {
        uint crc = BitOperations.Crc32C(uint.MaxValue, (ulong)offset);
        ReadOnlySpan<ulong> pairs = MemoryMarshal.Cast<float, ulong>(inputs);
        foreach (ulong pair in pairs)
        {
            crc = BitOperations.Crc32C(crc, pair);
        }

        if (inputs.Length % 2 == 1)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.SingleToUInt32Bits(inputs[^1]));
        }

        return ~BitOperations.Crc32C(crc, (uint)outcome);
    }
}
