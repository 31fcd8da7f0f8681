using System.Text.Json;
using System.Text.Json.Nodes;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>The file metrics.jsonl: a line per epoch, and per step on request.</summary>
public sealed class MetricsLog : IDisposable
{
    private const string EpochKind = "epoch";
    private const string StepKind = "step";

    private readonly string path;
    private StreamWriter writer;

    private MetricsLog(string path)
    {
        this.path = path;
        writer = new StreamWriter(path, append: true);
    }

    /// <summary>Opens the file of a new run, or that of a resumed one, whose lines beyond the checkpoint are dropped: they will be written again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="steps">Steps committed in the checkpoint; 0 for a new run.</param>
    /// <exception cref="StorageException">The file cannot be opened.</exception>
    public static MetricsLog Open(string path, long steps)
    {
        try
        {
            DropLinesAfter(path, steps);
            return new MetricsLog(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"cannot be opened: {exception.Message}", exception);
        }
    }

    /// <summary>The epochs of a file; a last line that was cut short is left out.</summary>
    public static IReadOnlyList<EpochMetrics> ReadEpochs(string path) =>
    [
        .. File.ReadLines(path)
            .Select(Parse)
            .Where(line => line?["kind"]?.GetValue<string>() == EpochKind)
            .Select(line => line.Deserialize<EpochMetrics>(RunOptionsJson.Settings)!),
    ];

    /// <summary>Appends an epoch and hands the lines to the system.</summary>
    public void Append(EpochMetrics metrics)
    {
        Append(EpochKind, metrics);
        writer.Flush();
    }

    /// <summary>Appends a step.</summary>
    public void Append(StepMetrics metrics) => Append(StepKind, metrics);

    /// <summary>Drops the lines of steps that are trained again.</summary>
    /// <param name="steps">Steps that stand.</param>
    public void Rewind(long steps)
    {
        writer.Dispose();
        DropLinesAfter(path, steps);
        writer = new StreamWriter(path, append: true);
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    private static void DropLinesAfter(string path, long steps)
    {
        string[] kept = steps > 0 && File.Exists(path)
            ? [.. File.ReadLines(path).Where(line => StepOf(line) is { } step && step <= steps)]
            : [];
        AtomicFile.Write(path, stream =>
        {
            using var text = new StreamWriter(stream, leaveOpen: true);
            foreach (string line in kept)
            {
                text.Write(line + "\n");
            }
        });
    }

    private static long? StepOf(string line) => Parse(line)?["step"]?.GetValue<long>();

    private static JsonNode? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Append<T>(string kind, T metrics)
    {
        JsonObject line = JsonSerializer.SerializeToNode(metrics, RunOptionsJson.Settings)!.AsObject();
        line.Insert(0, "kind", kind);
        writer.Write(line.ToJsonString(RunOptionsJson.Settings) + "\n");
    }
}
