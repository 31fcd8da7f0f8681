using System.Buffers;
using System.Threading.Tasks.Sources;
using ActorMlp.Cluster.Bulk.Frames;

namespace ActorMlp.Cluster.Bulk.Flow;

/// <summary>A frame from the moment it is handed over until its end is known. Reused, so that sending allocates nothing.</summary>
internal sealed class PendingFrame : IValueTaskSource<BulkDelivery>
{
    private readonly ArrayBufferWriter<byte> header = new(FrameHead.MaxHeaderSize);
    private readonly Action<PendingFrame> recycle;
    private ManualResetValueTaskSourceCore<BulkDelivery> end = new() { RunContinuationsAsynchronously = true };
    private Action<object?, BulkDelivery, Exception?>? callback;
    private object? state;

    /// <summary>A frame that is given to <paramref name="recycle"/> when nothing refers to it any more.</summary>
    public PendingFrame(Action<PendingFrame> recycle) => this.recycle = recycle;

    /// <summary>What is sent.</summary>
    public BulkHeader Header { get; private set; }

    /// <summary>The header as it is on the wire.</summary>
    public ReadOnlySpan<byte> HeaderBytes => header.WrittenSpan;

    /// <summary>The payload, or its first part.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>The parts of the payload after the first.</summary>
    public ReadOnlyMemory<ReadOnlyMemory<byte>> FurtherParts { get; private set; }

    /// <summary>Bytes of all parts.</summary>
    public int PayloadLength { get; private set; }

    /// <summary>What the frame takes of the window.</summary>
    public int Size => FrameHead.Size + PayloadLength;

    /// <summary>Its number, once it was begun; 0 before.</summary>
    public ulong Sequence { get; set; }

    /// <summary>Identifies this use of the object to a <see cref="ValueTask"/>.</summary>
    public short Version => end.Version;

    /// <summary>Fills a fresh or recycled frame.</summary>
    public void Fill(
        in BulkHeader value,
        ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<ReadOnlyMemory<byte>> furtherParts,
        Action<object?, BulkDelivery, Exception?>? whenDone,
        object? callbackState)
    {
        header.ResetWrittenCount();
        FrameHead.WriteHeader(header, value);
        long length = payload.Length;
        foreach (ReadOnlyMemory<byte> part in furtherParts.Span)
        {
            length += part.Length;
        }

        Header = value;
        Payload = payload;
        FurtherParts = furtherParts;
        PayloadLength = checked((int)length);
        Sequence = 0;
        callback = whenDone;
        state = callbackState;
    }

    /// <summary>The frame's end is known; nothing reads its payload any more.</summary>
    public void Complete(BulkDelivery delivery)
    {
        if (callback is { } tell)
        {
            object? with = state;
            Forget();
            recycle(this);
            tell(with, delivery, null);
            return;
        }

        Forget();
        end.SetResult(delivery);
    }

    /// <summary>The frame was not delivered, or it is not known whether it was.</summary>
    public void Fail(Exception exception)
    {
        if (callback is { } tell)
        {
            object? with = state;
            Forget();
            recycle(this);
            tell(with, default, exception);
            return;
        }

        Forget();
        end.SetException(exception);
    }

    BulkDelivery IValueTaskSource<BulkDelivery>.GetResult(short token)
    {
        try
        {
            return end.GetResult(token);
        }
        finally
        {
            end.Reset();
            recycle(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<BulkDelivery>.GetStatus(short token) => end.GetStatus(token);

    void IValueTaskSource<BulkDelivery>.OnCompleted(Action<object?> continuation, object? continuationState, short token, ValueTaskSourceOnCompletedFlags flags) =>
        end.OnCompleted(continuation, continuationState, token, flags);

    private void Forget()
    {
        // A frame in the pool must not keep the caller's memory alive.
        Payload = default;
        FurtherParts = default;
        callback = null;
        state = null;
    }
}
