namespace ActorMlp.Cluster.Faults;

/// <summary>One direction of a link, shared by all its connections: what it is like, whether it is cut, and how much of its rate is used up.</summary>
/// <param name="direction">Which.</param>
/// <param name="conditions">What it is like at first.</param>
internal sealed class LinkLine(LinkDirections direction, LinkConditions conditions)
{
    /// <summary>What may wait for the rate before no more is read: the time in a router's queue.</summary>
    public static readonly TimeSpan Queue = TimeSpan.FromMilliseconds(50);

    private const int MaxChunkBytes = 64 << 10;
    private static readonly TimeSpan ChunkTime = TimeSpan.FromMilliseconds(10);

    private readonly Lock gate = new();
    private LinkConditions conditions = conditions;
    private TaskCompletionSource? cut;
    private TimeSpan free;
    private long bytesCarried;
    private long segmentsLost;
    private TimeSpan stalledUntil;
    private long broken;

    /// <summary>Which direction it is.</summary>
    public LinkDirections Direction => direction;

    /// <summary>What it is like now.</summary>
    public LinkConditions Conditions => Volatile.Read(ref conditions);

    /// <summary>Bytes that arrived.</summary>
    public long BytesCarried => Interlocked.Read(ref bytesCarried);

    /// <summary>Segments that were lost on the way.</summary>
    public long SegmentsLost => Interlocked.Read(ref segmentsLost);

    /// <summary>Connections that chunks of this direction broke.</summary>
    public long Broken => Interlocked.Read(ref broken);

    /// <summary>Until when new connections are held.</summary>
    public TimeSpan StalledUntil
    {
        get
        {
            lock (gate)
            {
                return stalledUntil;
            }
        }
    }

    /// <summary>Done while the line is not cut; else as soon as it is healed.</summary>
    public Task Open
    {
        get
        {
            lock (gate)
            {
                return cut?.Task ?? Task.CompletedTask;
            }
        }
    }

    /// <summary>The most bytes to read at once: few where they take long.</summary>
    public int ChunkBytes => Conditions.BitsPerSecond is { } rate
        ? (int)Math.Clamp(rate / 8 * ChunkTime.TotalSeconds, LinkSchedule.SegmentBytes, MaxChunkBytes)
        : MaxChunkBytes;

    /// <summary>When the queue has room for more.</summary>
    public TimeSpan RoomAt
    {
        get
        {
            lock (gate)
            {
                return free - Queue;
            }
        }
    }

    /// <summary>Changes what it is like, for all that is sent from now on.</summary>
    /// <exception cref="ArgumentException">Something is out of its range.</exception>
    public void Change(Func<LinkConditions, LinkConditions> change)
    {
        lock (gate)
        {
            LinkConditions next = change(conditions);
            conditions = next.Problem is { } problem ? throw new ArgumentException(problem, nameof(change)) : next;
        }
    }

    /// <summary>Nothing arrives any more.</summary>
    public void Cut()
    {
        lock (gate)
        {
            cut ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What was held arrives.</summary>
    public void Heal()
    {
        lock (gate)
        {
            cut?.SetResult();
            cut = null;
        }
    }

    /// <summary>A chunk broke its connection.</summary>
    public void Break(TimeSpan now)
    {
        Interlocked.Increment(ref broken);
        lock (gate)
        {
            stalledUntil = now + LinkConditions.Stall;
        }
    }

    /// <summary>Sends bytes after all that were sent before.</summary>
    /// <returns>When the last of them has left.</returns>
    public TimeSpan Send(TimeSpan now, int bytes)
    {
        lock (gate)
        {
            TimeSpan begin = now > free ? now : free;
            return free = conditions.BitsPerSecond is { } rate ? begin + TimeSpan.FromSeconds(8 * bytes / rate) : begin;
        }
    }

    /// <summary>Counts what arrived.</summary>
    public void Carried(int bytes) => Interlocked.Add(ref bytesCarried, bytes);

    /// <summary>Counts what was lost.</summary>
    public void Lost(long segments) => Interlocked.Add(ref segmentsLost, segments);
}
