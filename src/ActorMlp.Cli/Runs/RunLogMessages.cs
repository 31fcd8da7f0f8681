using ActorMlp.Data.Cache;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Runs;

/// <summary>What the command itself logs.</summary>
internal static partial class RunLogMessages
{
    [LoggerMessage(Level = LogLevel.Information, Message = "kernel {Kernel}: {Reason}")]
    public static partial void KernelChosen(this ILogger logger, string kernel, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "data cache {Outcome}: {Path}, fingerprint {Fingerprint}")]
    public static partial void CacheUsed(this ILogger logger, DataCacheOutcome outcome, string path, string fingerprint);

    [LoggerMessage(Level = LogLevel.Error, Message = "the run failed")]
    public static partial void RunFailed(this ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "training.png could not be drawn")]
    public static partial void PlotFailed(this ILogger logger, Exception exception);
}
