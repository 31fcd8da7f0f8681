using ActorMlp.Engine.Random;

namespace ActorMlp.Cluster.Faults;

/// <summary>Flips bits of a link's chunks as it is ordered to.</summary>
/// <param name="random">Chance.</param>
internal sealed class LinkCorruption(CounterRandom random)
{
    private const uint BitDraws = 1u << 30;

    private LinkCorruptionOrder? order;
    private uint done;

    /// <summary>Bits flipped so far.</summary>
    public long Done => Volatile.Read(ref done);

    /// <summary>Orders it; an order that waits is replaced.</summary>
    public void Order(LinkCorruptionOrder next) => Volatile.Write(ref order, next);

    /// <summary>Does it, if it is this chunk's turn.</summary>
    public void Pass(Span<byte> chunk, LinkDirections direction)
    {
        if (Volatile.Read(ref order)?.Strikes(direction) == true)
        {
            int bit = random.Below(8 * chunk.Length, 0, BitDraws, Interlocked.Increment(ref done) - 1);
            chunk[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
