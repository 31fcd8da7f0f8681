using System.Buffers;
using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// A gradient that came in, kept until its piece is updated. Where a server's range is large the payload is copied and let go of: senders whose pieces wait
/// for a slow worker's would otherwise run out of credit, and those pieces would never become whole.
/// </summary>
internal sealed class ReceivedGradient : IDisposable
{
    private readonly BulkBuffer? payload;
    private readonly float[]? copy;

    /// <summary>Takes a payload over.</summary>
    public ReceivedGradient(BulkBuffer payload, bool copies)
    {
        if (!copies)
        {
            this.payload = payload;
            Floats = new PayloadFloats(payload).Memory;
            return;
        }

        using (payload)
        {
            ReadOnlySpan<float> floats = payload.Floats;
            copy = ArrayPool<float>.Shared.Rent(floats.Length);
            floats.CopyTo(copy);
            Floats = copy.AsMemory(0, floats.Length);
        }
    }

    /// <summary>The gradient.</summary>
    public ReadOnlyMemory<float> Floats { get; }

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
