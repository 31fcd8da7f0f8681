namespace ActorMlp.Cluster.Faults;

/// <summary>Time since a link began.</summary>
/// <param name="time">The clock.</param>
internal sealed class LinkClock(TimeProvider time)
{
    private readonly long began = time.GetTimestamp();

    /// <summary>Now.</summary>
    public TimeSpan Now => time.GetElapsedTime(began);

    /// <summary>Waits until a moment, and not a bit shorter: timers count whole milliseconds, and may come too early by a part of one.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async ValueTask UntilAsync(TimeSpan moment, CancellationToken cancellation)
    {
        for (TimeSpan left = moment - Now; left > TimeSpan.Zero; left = moment - Now)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, cancellation).ConfigureAwait(false);
        }
    }
}
