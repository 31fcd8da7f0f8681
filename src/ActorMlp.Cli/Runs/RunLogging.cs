using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Formatting.Compact;

namespace ActorMlp.Cli.Runs;

/// <summary>The log of a run: compact JSON, one event a line.</summary>
internal static class RunLogging
{
    public static ILoggerFactory Create(string path)
    {
        Serilog.Core.Logger logger = new LoggerConfiguration()
            .MinimumLevel.Information()
            .Enrich.FromLogContext()
            .WriteTo.File(new CompactJsonFormatter(), path)
            .CreateLogger();
        return LoggerFactory.Create(builder => builder.AddSerilog(logger, dispose: true));
    }
}
