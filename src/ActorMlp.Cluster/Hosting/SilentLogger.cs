using Akka.Event;

namespace ActorMlp.Cluster.Hosting;

/// <summary>
/// Akka's logger of last resort, before its loggers start and after they stop. The standard one writes to standard output, where the last line
/// is the run's summary.
/// </summary>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc/>
    protected override void Log(object message)
    {
    }
}
