using System.Buffers;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Engine.Encodings;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A gradient that came in, kept until its piece is updated. Where it is encoded, or a server's range is large, the payload is let go of at once: senders
/// whose pieces wait for a slow worker's would otherwise run out of credit, and those pieces would never become whole.
/// </summary>
internal sealed class ReceivedGradient : IDisposable
{
    private readonly BulkBuffer? payload;
    private readonly float[]? copy;

    private ReceivedGradient(BulkBuffer payload)
    {
        this.payload = payload;
        Floats = new PayloadFloats(payload).Memory;
    }

    private ReceivedGradient(float[] copy, int length)
    {
        this.copy = copy;
        Floats = copy.AsMemory(0, length);
    }

    /// <summary>The gradient.</summary>
    public ReadOnlyMemory<float> Floats { get; }

    /// <summary>Takes a frame's payload over; null, and the payload stays the caller's, if it is not what the run's encoding makes of so many values.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="encoder">The run's encoding; null for floats as they are.</param>
    /// <param name="copies">Whether floats as they are are copied.</param>
    public static ReceivedGradient? Take(BulkFrame frame, SubtreeEncoder? encoder, bool copies)
    {
        (BulkHeader header, BulkBuffer payload) = (frame.Header, frame.Payload);
        if (header.Encoding != (encoder?.Code ?? 0) || payload.Length != (encoder?.EncodedLength(header.Count) ?? header.Count * sizeof(float)))
        {
            return null;
        }

        if (encoder is null && !copies)
        {
            return new ReceivedGradient(payload);
        }

        float[] floats = ArrayPool<float>.Shared.Rent(header.Count);
        try
        {
            if (encoder is null)
            {
                payload.Floats.CopyTo(floats);
            }
            else
            {
                encoder.Decode(payload.Span, floats.AsSpan(0, header.Count));
            }
        }
        catch (InvalidDataException)
        {
            ArrayPool<float>.Shared.Return(floats);
            return null;
        }

        payload.Dispose();
        return new ReceivedGradient(floats, header.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        payload?.Dispose();
        if (copy is not null)
        {
            ArrayPool<float>.Shared.Return(copy);
        }
    }
}
