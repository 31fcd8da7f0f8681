using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace ActorMlp.Cluster.Compute;

/// <summary>Gradient buffers of a process, used again and again: as many exist as were in use at once.</summary>
/// <param name="length">Floats in a buffer.</param>
public sealed class GradientBuffers(int length)
{
    private readonly ConcurrentBag<float[]> free = [];

    /// <summary>A buffer whose contents are not defined.</summary>
    public float[] Rent() => free.TryTake(out float[]? buffer) ? buffer : new float[length];

    /// <summary>Gives a buffer back.</summary>
    public void Return(ReadOnlyMemory<float> buffer)
    {
        if (MemoryMarshal.TryGetArray(buffer, out ArraySegment<float> segment))
        {
            free.Add(segment.Array!);
        }
    }
}
