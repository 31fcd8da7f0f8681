using System.Diagnostics;
using System.Runtime;

namespace ActorMlp.Cluster.Measuring;

/// <summary>
/// How long work must go on until it is as fast as it gets: the runtime compiles a method anew, and better, after it was called for a while. Until then kernels and
/// checksums take up to ten times as long.
/// </summary>
public sealed class WarmUp
{
    // The runtime looks every 100 ms whether there is something to compile.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly long began = Stopwatch.GetTimestamp();
    private long lastChange = Stopwatch.GetTimestamp();
    private long compiled = JitInfo.GetCompiledMethodCount();

    /// <summary>Whether nothing was compiled for a while, or the machine is too busy to come to an end with it.</summary>
    public bool IsOver
    {
        get
        {
            long now = JitInfo.GetCompiledMethodCount();
            if (now != compiled)
            {
                (compiled, lastChange) = (now, Stopwatch.GetTimestamp());
            }

            return Stopwatch.GetElapsedTime(lastChange) >= Quiet || Stopwatch.GetElapsedTime(began) >= Limit;
        }
    }
}
