namespace ActorMlp.Engine.Parallel;

/// <summary>
/// The parts of a parallel loop, dealt to the threads as neighbouring ranges; a thread takes its own from the front, then others' from the back.
/// </summary>
/// <remarks>
/// The same thread meets the same parts in every step, and what a part wrote is still in that core's caches: with parts taken from one counter,
/// an update on two cores took twice the time of one core, as half of every gradient lay in the other's cache (Zen 5, 537,000 parameters).
/// </remarks>
internal sealed class PartRanges
{
    // Ranges of different threads lie two cache lines apart: the hardware fetches lines in pairs.
    private const int Distance = 16;

    private readonly int threads;

    // The next part in the lower half, one past the last in the upper.
    private readonly long[] ranges;

    public PartRanges(int threads)
    {
        this.threads = threads;
        ranges = new long[(threads + 1) * Distance];
    }

    /// <summary>Deals parts [0, <paramref name="parts"/>); nobody may be taking any.</summary>
    public void Deal(int parts)
    {
        for (int thread = 0; thread < threads; thread++)
        {
            ref long range = ref RangeOf(thread);
            range = Pack((int)((long)parts * thread / threads), (int)((long)parts * (thread + 1) / threads));
        }
    }

    /// <summary>Takes a part; false where none is left.</summary>
    public bool TryTake(int thread, out int part)
    {
        if (TryTake(thread, true, out part))
        {
            return true;
        }

        for (int distance = 1; distance < threads; distance++)
        {
            if (TryTake((thread + distance) % threads, false, out part))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Leaves the parts that nobody has taken.</summary>
    public void Cancel()
    {
        for (int thread = 0; thread < threads; thread++)
        {
            Volatile.Write(ref RangeOf(thread), 0);
        }
    }

    private static long Pack(int next, int end) => ((long)end << 32) | (uint)next;

    private ref long RangeOf(int thread) => ref ranges[(thread + 1) * Distance];

    private bool TryTake(int thread, bool fromFront, out int part)
    {
        ref long range = ref RangeOf(thread);
        long seen = Volatile.Read(ref range);
        while (true)
        {
            int next = (int)seen, end = (int)(seen >> 32);
            part = fromFront ? next : end - 1;
            if (next >= end)
            {
                return false;
            }

            long before = Interlocked.CompareExchange(ref range, fromFront ? Pack(next + 1, end) : Pack(next, end - 1), seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }
    }
}
