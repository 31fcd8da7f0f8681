using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Tests.Nodes;

/// <summary>Keeps what a node logs, and lets tests wait for it.</summary>
internal sealed class TestLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> lines = new();

    public IReadOnlyList<string> Lines => [.. lines];

    /// <summary>Waits for a line of at least this level that contains all of the given words.</summary>
    public Task WaitForAsync(LogLevel level, params string[] words) =>
        Eventually.TrueAsync(() => Has(level, words), () => $"nobody logged {string.Join(", ", words)}:\n{string.Join('\n', lines)}");

    /// <summary>Whether there is a line of at least this level that contains all of the given words.</summary>
    public bool Has(LogLevel level, params string[] words) => lines.Any(line =>
        Enum.Parse<LogLevel>(line[..line.IndexOf(' ', StringComparison.Ordinal)]) >= level && words.All(word => line.Contains(word, StringComparison.Ordinal)));

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

/// <summary>Waits for a condition.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition, Func<string> otherwise)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, otherwise());
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
