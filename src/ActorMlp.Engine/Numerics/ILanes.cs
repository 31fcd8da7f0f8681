namespace ActorMlp.Engine.Numerics;

/// <summary>
/// One width of vector arithmetic, as static operations: the kernels are written once over it and compiled once per width.
/// </summary>
/// <remarks>
/// Every operation is elementwise and correctly rounded (or exact), so a kernel that never mixes lanes gives the same bits at
/// every width. Masks are integer vectors of all ones or all zeros per lane.
/// </remarks>
/// <typeparam name="TFloat">A vector of floats.</typeparam>
/// <typeparam name="TWord">A vector of as many 32-bit words.</typeparam>
internal unsafe interface ILanes<TFloat, TWord>
    where TFloat : unmanaged
    where TWord : unmanaged
{
    /// <summary>The name by which ACTORMLP_KERNEL asks for this width.</summary>
    static abstract string Name { get; }

    /// <summary>Lanes in a vector: 1, 4, 8 or 16.</summary>
    static abstract int Width { get; }

    /// <summary>Whether the hardware has registers for 8×2 accumulators and their operands (32), or only for 6×2 (16).</summary>
    static abstract bool ManyRegisters { get; }

    static abstract TFloat Load(float* source);

    static abstract void Store(float* destination, TFloat value);

    static abstract TFloat Broadcast(float value);

    static abstract TFloat Add(TFloat left, TFloat right);

    static abstract TFloat Subtract(TFloat left, TFloat right);

    static abstract TFloat Multiply(TFloat left, TFloat right);

    static abstract TFloat Divide(TFloat left, TFloat right);

    static abstract TFloat SquareRoot(TFloat value);

    /// <summary>left·right + addend, rounded once.</summary>
    static abstract TFloat MultiplyAdd(TFloat left, TFloat right, TFloat addend);

    /// <summary>Mask of left &gt; right; false where either is NaN.</summary>
    static abstract TWord Greater(TFloat left, TFloat right);

    static abstract TFloat Select(TWord mask, TFloat whenTrue, TFloat whenFalse);

    static abstract TWord SelectWords(TWord mask, TWord whenTrue, TWord whenFalse);

    static abstract TWord LoadWords(uint* source);

    static abstract void StoreWords(uint* destination, TWord value);

    static abstract TWord BroadcastWord(uint value);

    static abstract TWord AsWords(TFloat value);

    static abstract TFloat AsFloats(TWord value);

    static abstract TWord AddWords(TWord left, TWord right);

    static abstract TWord SubtractWords(TWord left, TWord right);

    static abstract TWord And(TWord left, TWord right);

    static abstract TWord Or(TWord left, TWord right);

    static abstract TWord Xor(TWord left, TWord right);

    static abstract TWord ShiftLeft(TWord value, int count);

    static abstract TWord ShiftRight(TWord value, int count);

    static abstract TWord ShiftRightSigned(TWord value, int count);

    static abstract TWord EqualWords(TWord left, TWord right);

    /// <summary>Mask of left &lt; right as unsigned words.</summary>
    static abstract TWord LessWords(TWord left, TWord right);

    /// <summary>Whole numbers to floats, each a signed word.</summary>
    static abstract TFloat ToFloats(TWord value);

    /// <summary>Both halves of the 64-bit products of unsigned words.</summary>
    static abstract TWord MultiplyWide(TWord left, uint right, out TWord low);

    /// <summary>Whether any bit of any lane is set.</summary>
    static abstract bool Any(TWord value);

    /// <summary>The larger of unsigned words.</summary>
    static abstract TWord Larger(TWord left, TWord right);

    /// <summary>The largest lane, as an unsigned word.</summary>
    static abstract uint Largest(TWord value);

    /// <summary>The lanes' highest bits, the first lane's lowest.</summary>
    static abstract uint HighestBits(TWord value);

    /// <summary>Stores the low 16 bits of each word; the address needs no alignment.</summary>
    static abstract void StoreHalves(byte* destination, TWord value);

    /// <summary>Loads 16-bit values, high bits zero; the address needs no alignment.</summary>
    static abstract TWord LoadHalves(byte* source);

    /// <summary>Stores the low 8 bits of each word.</summary>
    static abstract void StoreBytes(byte* destination, TWord value);

    /// <summary>Loads bytes as signed numbers.</summary>
    static abstract TWord LoadSignedBytes(byte* source);
}
