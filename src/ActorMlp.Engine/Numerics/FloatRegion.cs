using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>
/// Floats that stay where they are while kernels run: what a span cannot be, a value that threads may share. Whoever makes one
/// keeps the memory pinned and alive.
/// </summary>
internal readonly unsafe struct FloatRegion(float* pointer, int length)
{
    /// <summary>The first float.</summary>
    public float* Pointer => pointer;

    /// <summary>Number of floats.</summary>
    public int Length => length;

    /// <summary>The floats as a span.</summary>
    public Span<float> Span => new(pointer, length);

    /// <summary>The floats from <paramref name="start"/> on; checked, as kernels are not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FloatRegion From(long start)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)start, (ulong)length, nameof(start));
        return new FloatRegion(pointer + start, length - (int)start);
    }
}

/// <summary>Work over pinned floats.</summary>
internal delegate TResult PinnedWork<in TState, out TResult>(FloatRegion first, FloatRegion second, TState state);

/// <summary>Pins spans for the time of a call.</summary>
internal static unsafe class Pinning
{
    /// <summary>Runs <paramref name="work"/> (a static lambda, so that nothing is allocated) with both spans pinned.</summary>
    public static TResult With<TState, TResult>(
        ReadOnlySpan<float> first, Span<float> second, TState state, PinnedWork<TState, TResult> work)
    {
        fixed (float* firstPointer = first)
        fixed (float* secondPointer = second)
        {
            return work(new FloatRegion(firstPointer, first.Length), new FloatRegion(secondPointer, second.Length), state);
        }
    }
}
