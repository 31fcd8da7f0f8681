using ActorMlp.Cluster.Bulk.Frames;

namespace ActorMlp.Cluster.Bulk.Flow;

/// <summary>
/// What outlives a connection within a session, both directions of it: frames that wait, frames that are not acknowledged, numbers, credit. One connection
/// at a time works on it. When either end starts a new session, a new flow takes its place.
/// </summary>
internal sealed class FrameFlow : IBulkCredit
{
    private const int RecycledFrames = 256;

    private readonly Lock gate = new();
    private readonly Queue<PendingFrame> urgent = [];
    private readonly Queue<PendingFrame> patient = [];
    private readonly Queue<PendingFrame> unacknowledged = [];
    private readonly Queue<PendingFrame> again = [];
    private readonly Stack<PendingFrame> recycled = [];
    private readonly CreditWindow window = new();
    private readonly CreditGrant grant;
    private readonly string nodeId;
    private readonly BulkOptions options;
    private readonly Action moreToSend;
    private int peerMaxFrame = int.MaxValue;
    private ulong lastBegun;
    private ulong lastReceived;
    private long unacknowledgedBytes;
    private bool marksWanted;
    private Exception? failure;

    /// <param name="nodeId">The peer, for messages.</param>
    /// <param name="options">Limits.</param>
    /// <param name="moreToSend">Called, outside of locks, when there may be something to send.</param>
    public FrameFlow(string nodeId, BulkOptions options, Action moreToSend)
    {
        this.nodeId = nodeId;
        this.options = options;
        this.moreToSend = moreToSend;
        grant = new CreditGrant(options.WindowBytes, options.MaxFrameBytes);
    }

    /// <summary>Where this node stands, for a handshake: only meaningful while no connection works on the flow.</summary>
    public FlowMarks Marks
    {
        get
        {
            lock (gate)
            {
                return new FlowMarks(lastReceived, grant.Released);
            }
        }
    }

    /// <summary>Takes a frame to be sent.</summary>
    /// <exception cref="BulkException">The queue is full, or the flow was ended.</exception>
    public PendingFrame Enqueue(
        in BulkHeader header,
        ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<ReadOnlyMemory<byte>> furtherParts,
        Action<object?, BulkDelivery, Exception?>? callback,
        object? state,
        out short version)
    {
        PendingFrame frame;
        lock (gate)
        {
            if (failure is not null)
            {
                throw failure;
            }

            if (urgent.Count + patient.Count >= options.QueueLimit)
            {
                throw new BulkQueueFullException(nodeId, options.QueueLimit);
            }

            frame = recycled.TryPop(out PendingFrame? used) ? used : new PendingFrame(Recycle);
            frame.Fill(header, payload, furtherParts, callback, state);
            int most = Math.Min(options.MaxFrameBytes, peerMaxFrame);
            if (frame.Size > most)
            {
                throw new ArgumentException($"a frame of {frame.Size} bytes is larger than {nodeId} and this node allow: {most}", nameof(payload));
            }

            // Taken before the pump can see the frame: a moment later it may be in its next use.
            version = frame.Version;

            // What a step waits for goes before what can wait.
            (header.Kind is BulkKind.Gradient or BulkKind.SecondGradient or BulkKind.Weights ? urgent : patient).Enqueue(frame);
        }

        moreToSend();
        return frame;
    }

    /// <summary>Drops frames that were not begun.</summary>
    /// <param name="predicate">Which; called under a lock.</param>
    /// <returns>How many.</returns>
    public int Drop(Func<BulkHeader, bool> predicate)
    {
        var dropped = new List<PendingFrame>();
        lock (gate)
        {
            Sift(urgent, frame => predicate(frame.Header), dropped);
            Sift(patient, frame => predicate(frame.Header), dropped);
        }

        dropped.ForEach(frame => frame.Complete(BulkDelivery.Dropped));
        return dropped.Count;
    }

    /// <summary>What the connection has to send next.</summary>
    /// <param name="frame">A frame; null for an acknowledgement alone.</param>
    /// <param name="marks">What to tell the peer with it.</param>
    /// <param name="repeated">Whether an earlier connection may have sent the frame already.</param>
    /// <returns>False if there is nothing to send.</returns>
    public bool TryTake(out PendingFrame? frame, out FlowMarks marks, out bool repeated)
    {
        lock (gate)
        {
            repeated = again.TryDequeue(out frame);
            if (!repeated)
            {
                Queue<PendingFrame> lane = urgent.Count > 0 ? urgent : patient;
                if (lane.TryPeek(out PendingFrame? first) && window.TryTake(first.Size))
                {
                    frame = lane.Dequeue();
                    frame.Sequence = ++lastBegun;
                    unacknowledged.Enqueue(frame);
                }
            }

            if (frame is null && !marksWanted)
            {
                marks = default;
                return false;
            }

            marks = TakeMarks();
            return true;
        }
    }

    /// <summary>How far this node has received, to be sent at once.</summary>
    public FlowMarks TakeMarks()
    {
        lock (gate)
        {
            marksWanted = false;
            grant.Announced();
            unacknowledgedBytes = 0;
            return new FlowMarks(lastReceived, grant.Released);
        }
    }

    /// <summary>The peer tells how far it has received.</summary>
    /// <param name="marks">What it says.</param>
    /// <param name="done">Where frames go that it has; complete them outside of locks.</param>
    /// <returns>Whether there may be more to send now.</returns>
    /// <exception cref="BulkProtocolException">It claims what cannot be.</exception>
    public bool Acknowledge(FlowMarks marks, List<PendingFrame> done)
    {
        lock (gate)
        {
            if (marks.Acknowledged > lastBegun)
            {
                throw new BulkProtocolException($"the peer acknowledged frame {marks.Acknowledged}, {lastBegun} was the last begun");
            }

            window.Return(marks.Released);
            while (unacknowledged.TryPeek(out PendingFrame? first) && first.Sequence <= marks.Acknowledged)
            {
                done.Add(unacknowledged.Dequeue());
            }

            return urgent.Count + patient.Count > 0;
        }
    }

    /// <summary>A frame announces its size.</summary>
    /// <exception cref="BulkProtocolException">It is too large.</exception>
    public void CheckSize(ulong sequence, int size)
    {
        if (size > options.MaxFrameBytes)
        {
            throw new BulkProtocolException($"frame {sequence} has {size} bytes, {options.MaxFrameBytes} are allowed");
        }
    }

    /// <summary>A data frame announces itself.</summary>
    /// <returns>False for one that was received before, and is to be skipped.</returns>
    /// <exception cref="BulkProtocolException">It is out of sequence, too large, or beyond the credit.</exception>
    public bool Expect(ulong sequence, int size)
    {
        CheckSize(sequence, size);
        lock (gate)
        {
            if (sequence <= lastReceived)
            {
                return false;
            }

            if (sequence != lastReceived + 1)
            {
                throw new BulkProtocolException($"frame {sequence} came after frame {lastReceived}");
            }

            return grant.Allows(size)
                ? true
                : throw new BulkProtocolException($"frame {sequence} of {size} bytes exceeds the credit of {options.WindowBytes} bytes");
        }
    }

    /// <summary>A data frame arrived unharmed.</summary>
    public void Received(ulong sequence, int size)
    {
        lock (gate)
        {
            lastReceived = sequence;
            grant.Receive(size);
            unacknowledgedBytes += size;
        }
    }

    /// <summary>Whether there is anything that the peer has not heard of.</summary>
    public bool OwesMarks
    {
        get
        {
            lock (gate)
            {
                return unacknowledgedBytes > 0 || grant.IsDue;
            }
        }
    }

    /// <summary>Whether the peer should hear how far this node has received.</summary>
    /// <param name="idle">Whether nothing more is coming in at the moment: then it should hear of every frame.</param>
    public bool WantsMarks(bool idle)
    {
        lock (gate)
        {
            // While frames stream in, an acknowledgement per small frame would cost the peer a wake-up each.
            marksWanted |= grant.IsDue || unacknowledgedBytes >= options.WindowBytes / 16 || (idle && unacknowledgedBytes > 0);
            return marksWanted;
        }
    }

    /// <summary>Have a sign of life sent.</summary>
    public void WantSignOfLife()
    {
        lock (gate)
        {
            marksWanted = true;
        }

        moreToSend();
    }

    /// <inheritdoc/>
    public void Release(int bytes)
    {
        bool due;
        lock (gate)
        {
            grant.Release(bytes);
            due = !marksWanted && grant.IsDue;
            marksWanted |= due;
        }

        if (due)
        {
            moreToSend();
        }
    }

    /// <summary>A new connection stands: what the peer has is done, what it has not is sent again.</summary>
    /// <param name="marks">Where the peer stands.</param>
    /// <param name="peerWindow">Bytes it grants.</param>
    /// <param name="maxFrame">The largest frame it takes.</param>
    /// <exception cref="BulkProtocolException">It claims what cannot be.</exception>
    public void Resume(FlowMarks marks, int peerWindow, int maxFrame)
    {
        var done = new List<PendingFrame>();
        var tooLarge = new List<PendingFrame>();
        int most = Math.Min(maxFrame, peerWindow);
        Acknowledge(marks, done);
        lock (gate)
        {
            window.Grant(peerWindow);
            peerMaxFrame = most;
            marksWanted = true;
            again.Clear();
            foreach (PendingFrame frame in unacknowledged)
            {
                again.Enqueue(frame);
            }

            Sift(urgent, frame => frame.Size > most, tooLarge);
            Sift(patient, frame => frame.Size > most, tooLarge);
        }

        done.ForEach(frame => frame.Complete(BulkDelivery.Acknowledged));
        tooLarge.ForEach(frame => frame.Fail(new BulkException($"a frame of {frame.Size} bytes is larger than {nodeId} takes: {most}")));
    }

    /// <summary>Ends the flow: whatever waits fails, and so does whatever comes later. Only while no connection works on it.</summary>
    public void FailAll(Exception exception)
    {
        var failed = new List<PendingFrame>();
        lock (gate)
        {
            failure ??= exception;
            failed.AddRange(unacknowledged);
            failed.AddRange(urgent);
            failed.AddRange(patient);
            unacknowledged.Clear();
            again.Clear();
            urgent.Clear();
            patient.Clear();
        }

        failed.ForEach(frame => frame.Fail(exception));
    }

    private static void Sift(Queue<PendingFrame> lane, Func<PendingFrame, bool> take, List<PendingFrame> taken)
    {
        for (int left = lane.Count; left > 0; left--)
        {
            PendingFrame frame = lane.Dequeue();
            if (take(frame))
            {
                taken.Add(frame);
            }
            else
            {
                lane.Enqueue(frame);
            }
        }
    }

    private void Recycle(PendingFrame frame)
    {
        lock (gate)
        {
            if (recycled.Count < RecycledFrames)
            {
                recycled.Push(frame);
            }
        }
    }
}
