using ActorMlp.Engine.Random;

namespace ActorMlp.Cluster.Faults;

/// <summary>
/// When what one connection sends in one direction arrives. No clock and no sockets: arrivals are a function of what was sent when, the conditions then,
/// and the seed; the fate of the n-th segment is a function of (seed, connection, direction, n) alone.
/// </summary>
/// <remarks>
/// A lost segment is what TCP makes of it. If at least <see cref="SegmentsBehind"/> more of the same chunk follow, their acknowledgements tell the sender at
/// once, and it comes a round trip later (RFC 5681, fast retransmit). Otherwise, or if it is lost again, the sender's timer has to run out: a round trip
/// and <see cref="LeastTimeout"/>, twice as long each time (RFC 6298 with Linux's constants). All that comes behind it waits for it. Several lost segments of one chunk are
/// recovered together (RFC 2018). Not modelled: that the sender goes slower after a loss.
/// </remarks>
/// <param name="random">Chance.</param>
/// <param name="connection">Number of the connection within its link.</param>
/// <param name="direction">One direction.</param>
internal sealed class LinkSchedule(CounterRandom random, ulong connection, LinkDirections direction)
{
    /// <summary>Bytes of a segment: Ethernet's 1500 without the heads of IPv4 and TCP.</summary>
    public const int SegmentBytes = 1448;

    /// <summary>Segments that must follow a lost one for its loss to be seen at once.</summary>
    public const int SegmentsBehind = 3;

    /// <summary>Linux's TCP_RTO_MIN.</summary>
    public static readonly TimeSpan LeastTimeout = TimeSpan.FromMilliseconds(200);

    private const int MaxAttempts = 8;
    private const uint JitterDraws = 1u << 31;
    private const uint BreakDraws = 3u << 30;

    private TimeSpan lastArrival;
    private uint segments;
    private uint chunks;
    private uint chances;

    /// <summary>Segments lost so far, those counted twice that were lost twice.</summary>
    public long SegmentsLost { get; private set; }

    /// <summary>When a chunk arrives: never before one that was sent before it.</summary>
    /// <param name="sent">When the last of its bytes left.</param>
    /// <param name="bytes">How many it has; 0 for the stream's end.</param>
    /// <param name="conditions">What the direction is like.</param>
    /// <param name="roundTrip">The delays of both directions.</param>
    public TimeSpan Arrival(TimeSpan sent, int bytes, LinkConditions conditions, TimeSpan roundTrip)
    {
        TimeSpan arrival = sent + conditions.Delay + conditions.Jitter * random.Uniform(connection, JitterDraws | (uint)direction, chunks++);
        int count = (bytes + SegmentBytes - 1) / SegmentBytes;
        TimeSpan longest = TimeSpan.Zero;
        for (int i = 0; i < count && conditions.Loss > 0; i++)
        {
            TimeSpan stall = Stall(segments + (uint)i, count - 1 - i, conditions.Loss, roundTrip);
            longest = stall > longest ? stall : longest;
        }

        segments += (uint)count;
        arrival += longest;
        lastArrival = arrival > lastArrival ? arrival : lastArrival;
        return lastArrival;
    }

    /// <summary>Whether the next chunk ends its connection; asked once for each.</summary>
    public bool Breaks(LinkConditions conditions) =>
        random.Uniform(connection, BreakDraws | (uint)direction, chances++) < conditions.Breaks;

    private TimeSpan Stall(uint segment, int behind, double loss, TimeSpan roundTrip)
    {
        TimeSpan stall = TimeSpan.Zero, timeout = roundTrip + LeastTimeout;
        for (uint attempt = 0; attempt < MaxAttempts && random.Uniform(connection, (attempt << 2) | (uint)direction, segment) < loss; attempt++)
        {
            SegmentsLost++;
            if (attempt == 0 && behind >= SegmentsBehind)
            {
                stall += roundTrip;
            }
            else
            {
                stall += timeout;
                timeout *= 2;
            }
        }

        return stall;
    }
}
