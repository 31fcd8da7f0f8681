namespace ActorMlp.Engine.Random;

/// <summary>What a draw is for; part of its key, so that no two uses of one seed ever share a random number.</summary>
public enum RandomPurpose
{
    /// <summary>Which rows go to training, validation and test.</summary>
    Split = 1,

    /// <summary>The order of rows in an epoch.</summary>
    Shuffle = 2,

    /// <summary>Initial weights.</summary>
    Initialization = 3,

    /// <summary>Dropout masks.</summary>
    Dropout = 4,

    /// <summary>Moments and targets of faults on purpose.</summary>
    Faults = 5,

    /// <summary>Which shards are computed twice, and by whom.</summary>
    Verification = 6,

    /// <summary>What happens to bytes on a link that misbehaves on purpose.</summary>
    Link = 8,
}

/// <summary>
/// Random numbers as a function of (seed, purpose, a, b, index): there is no state to carry, share or restore.
/// </summary>
/// <remarks>
/// Philox4x32-10 under the key <paramref name="seed"/>. The counter holds the purpose and the coordinates: word 0 the index of a group of four
/// consecutive indices, word 1 <c>b</c>, word 2 the low half of <c>a</c>, word 3 the purpose in the top byte over <c>a</c>'s next 24 bits.
/// </remarks>
/// <param name="seed">The run's seed.</param>
/// <param name="purpose">What the numbers are for.</param>
public readonly struct CounterRandom(ulong seed, RandomPurpose purpose)
{
    /// <summary>The Philox key, low word.</summary>
    public uint Key0 => (uint)seed;

    /// <summary>The Philox key, high word.</summary>
    public uint Key1 => (uint)(seed >> 32);

    /// <summary>The counter under which indices 4·<paramref name="group"/> … 4·<paramref name="group"/>+3 are drawn.</summary>
    /// <param name="a">First coordinate, below 2^56 (a step, an epoch).</param>
    /// <param name="b">Second coordinate (a row, a layer).</param>
    /// <param name="group">The index divided by four.</param>
    public PhiloxBlock Counter(ulong a, uint b, uint group) =>
        new(group, b, (uint)a, ((uint)purpose << 24) | ((uint)(a >> 32) & 0xFFFFFF));

    /// <summary>32 random bits.</summary>
    public uint Bits(ulong a, uint b, uint index)
    {
        PhiloxBlock block = Philox.Draw(Counter(a, b, index >> 2), Key0, Key1);
        return (index & 3) switch { 0 => block.X0, 1 => block.X1, 2 => block.X2, _ => block.X3 };
    }

    /// <summary>A uniform number in [0, 1) of 53 bits.</summary>
    public double Uniform(ulong a, uint b, uint index)
    {
        PhiloxBlock block = Philox.Draw(Counter(a, b, index), Key0, Key1);
        return ((((ulong)block.X0 << 32) | block.X1) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>A whole number in [0, <paramref name="bound"/>), unbiased to within 2^-64·bound (multiply-high of 64 bits).</summary>
    public int Below(int bound, ulong a, uint b, uint index)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        PhiloxBlock block = Philox.Draw(Counter(a, b, index), Key0, Key1);
        return (int)Math.BigMul(((ulong)block.X0 << 32) | block.X1, (ulong)bound, out _);
    }
}
