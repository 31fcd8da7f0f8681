using System.Text.Json;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>The file summary.json.</summary>
public static class SummaryFile
{
    /// <summary>Writes it; see <see cref="AtomicFile"/>.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public static void Write(string path, RunSummary summary) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, summary, RunOptionsJson.Indented));

    /// <summary>The same object on one line.</summary>
    public static string ToLine(RunSummary summary) => JsonSerializer.Serialize(summary, RunOptionsJson.Settings);

    /// <summary>Reads it.</summary>
    /// <exception cref="StorageException">It is missing or damaged.</exception>
    public static RunSummary Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RunSummary>(File.ReadAllBytes(path), RunOptionsJson.Settings)
                ?? throw new StorageException(path, "is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new StorageException(path, $"cannot be read: {exception.Message}", exception);
        }
    }
}
