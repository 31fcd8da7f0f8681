namespace ActorMlp.Cluster.Runs;

/// <summary>
/// Vectors that come in pieces before the order or result that they belong to. Frames may get lost when a peer's process is another one; so what came counts only if every vector is of
/// that very order, and whole.
/// </summary>
/// <param name="buffers">Where they are put.</param>
/// <param name="length">Floats of each.</param>
internal sealed class ArrivingVectors(SharedBuffers buffers, int length)
{
    private readonly Dictionary<string, Arrival> arrivals = [];

    /// <summary>Takes a piece.</summary>
    /// <param name="from">Which node it comes from.</param>
    /// <param name="share">The share that it belongs to.</param>
    /// <param name="ticket">The number of the order.</param>
    /// <param name="vector">Which of the order's vectors, from 0.</param>
    /// <param name="offset">Where in it the piece begins.</param>
    /// <param name="values">The piece.</param>
    public void Take(string from, int share, long ticket, int vector, int offset, ReadOnlySpan<float> values)
    {
        if (!arrivals.TryGetValue(from, out Arrival? arrival) || (arrival.Share, arrival.Ticket) != (share, ticket))
        {
            Forget(from);
            arrivals[from] = arrival = new Arrival(share, ticket);
        }

        if (!arrival.Vectors.TryGetValue(vector, out SharedBuffer? buffer))
        {
            arrival.Vectors[vector] = buffer = buffers.Rent();
        }

        values.CopyTo(buffer.Span[offset..]);
        arrival.Received += arrival.Pieces.Add((vector, offset)) ? values.Length : 0;
    }

    /// <summary>What came for an order, in order; the caller releases it.</summary>
    /// <returns>Null if some of it is missing.</returns>
    public IReadOnlyList<SharedBuffer>? Collect(string from, int share, long ticket)
    {
        if (!arrivals.TryGetValue(from, out Arrival? arrival)
            || (arrival.Share, arrival.Ticket) != (share, ticket)
            || arrival.Received != (long)length * arrival.Vectors.Count)
        {
            return null;
        }

        arrivals.Remove(from);
        return [.. arrival.Vectors.Values];
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        foreach (string from in arrivals.Keys.ToList())
        {
            Forget(from);
        }
    }

    private void Forget(string from)
    {
        if (arrivals.Remove(from, out Arrival? arrival))
        {
            foreach (SharedBuffer buffer in arrival.Vectors.Values)
            {
                buffer.Release();
            }
        }
    }

    private sealed class Arrival(int share, long ticket)
    {
        public int Share => share;

        public long Ticket => ticket;

        public SortedDictionary<int, SharedBuffer> Vectors { get; } = [];

        public HashSet<(int Vector, int Offset)> Pieces { get; } = [];

        public long Received { get; set; }
    }
}
