using ActorMlp.Engine.Random;

namespace ActorMlp.Cluster.Faults;

/// <summary>The order to flip one bit, once, in one of the next chunks.</summary>
/// <param name="random">Chance.</param>
internal sealed class LinkCorruption(CounterRandom random)
{
    private const uint BitDraws = 1u << 30;

    private readonly Lock gate = new();
    private LinkDirections directions;
    private int chunksLeft;
    private uint done;

    /// <summary>Bits flipped so far.</summary>
    public long Done
    {
        get
        {
            lock (gate)
            {
                return done;
            }
        }
    }

    /// <summary>Orders it; an order that waits is replaced.</summary>
    /// <param name="chunk">Which of the next chunks, from 1.</param>
    /// <param name="of">Of which directions.</param>
    public void Order(int chunk, LinkDirections of)
    {
        lock (gate)
        {
            chunksLeft = chunk;
            directions = of;
        }
    }

    /// <summary>Does it, if it is this chunk's turn.</summary>
    public void Pass(Span<byte> chunk, LinkDirections direction)
    {
        lock (gate)
        {
            if (chunksLeft > 0 && (directions & direction) != 0 && --chunksLeft == 0)
            {
                int bit = random.Below(8 * chunk.Length, 0, BitDraws, done++);
                chunk[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }
}
