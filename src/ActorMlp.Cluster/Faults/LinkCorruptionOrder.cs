namespace ActorMlp.Cluster.Faults;

/// <summary>The order to flip one bit in one of the next chunks, once, wherever it passes first.</summary>
public sealed class LinkCorruptionOrder
{
    private readonly Lock gate = new();
    private readonly LinkDirections directions;
    private int chunksLeft;

    /// <summary>An order.</summary>
    /// <param name="chunk">Which of the next chunks, from 1.</param>
    /// <param name="directions">Chunks of which directions count.</param>
    public LinkCorruptionOrder(int chunk, LinkDirections directions)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunk);
        chunksLeft = chunk;
        this.directions = directions;
    }

    /// <summary>Counts a chunk.</summary>
    /// <returns>Whether it is the one.</returns>
    internal bool Strikes(LinkDirections direction)
    {
        lock (gate)
        {
            return chunksLeft > 0 && (directions & direction) != 0 && --chunksLeft == 0;
        }
    }
}
