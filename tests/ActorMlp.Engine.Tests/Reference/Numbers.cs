using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Tests.Reference;

/// <summary>Reproducible numbers for tests.</summary>
internal static class Numbers
{
    /// <summary>Floats in (-1, 1).</summary>
    public static float[] Row(ulong seed, int row, int count)
    {
        var draws = new CounterRandom(seed, RandomPurpose.Split);
        return [.. Enumerable.Range(0, count).Select(i => (float)(2 * draws.Uniform(0, (uint)row, (uint)i) - 1))];
    }

    /// <summary>The bits of floats, so that a comparison tells -0 from +0.</summary>
    public static uint[] Bits(ReadOnlySpan<float> values)
    {
        uint[] bits = new uint[values.Length];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = BitConverter.SingleToUInt32Bits(values[i]);
        }

        return bits;
    }
}
