using System.Text.Json;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>
/// The file updates.jsonl: a header, then a line for each update in the order in which they were applied. Lines reach the disk before the checkpoint that holds their updates does, so a
/// run that is resumed finds all of them; what lies beyond the checkpoint is dropped, as it will be trained anew.
/// </summary>
public sealed class UpdateLog : IDisposable
{
    private readonly string path;
    private readonly FileStream stream;

    private UpdateLog(string path)
    {
        this.path = path;
        stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, 1 << 16);
    }

    /// <summary>Opens the file of a new run, or that of a resumed one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="setup">The run.</param>
    /// <param name="workers">Workers that the run was, or is, started with.</param>
    /// <param name="step">Steps committed in the checkpoint; 0 for a new run.</param>
    /// <exception cref="StorageException">It cannot be opened, or is not the log of this run up to this step.</exception>
    public static UpdateLog Open(string path, RunSetup setup, int workers, long step)
    {
        IReadOnlyList<UpdateRecord> kept = step > 0 ? ReadUpTo(path, setup, workers, step) : [];
        AtomicFile.Write(path, file =>
        {
            Write(file, UpdateLogHeader.Of(setup, workers));
            foreach (UpdateRecord record in kept)
            {
                Write(file, record);
            }
        });
        try
        {
            return new UpdateLog(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"cannot be opened: {exception.Message}", exception);
        }
    }

    /// <summary>Checks that a run can go on from a checkpoint and its log, and changes nothing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="setup">The run.</param>
    /// <param name="workers">Workers that the run is to go on with; null for as many as it was started with.</param>
    /// <param name="step">Steps committed in the checkpoint.</param>
    /// <returns>Workers that the run was started with.</returns>
    /// <exception cref="StorageException">It cannot; the message says why.</exception>
    public static int CheckResumable(string path, RunSetup setup, int? workers, long step)
    {
        int started = workers ?? Read(path, 0).Header.Workers;
        if (step > 0)
        {
            ReadUpTo(path, setup, started, step);
        }

        return started;
    }

    /// <summary>Reads a whole log.</summary>
    /// <exception cref="StorageException">It is missing, or a line is no record; the message says which.</exception>
    public static (UpdateLogHeader Header, IReadOnlyList<UpdateRecord> Records) Read(string path) => Read(path, long.MaxValue);

    /// <summary>Appends an update.</summary>
    /// <exception cref="StorageException">The file cannot be written.</exception>
    public void Append(UpdateRecord record) => Guarded(() => Write(stream, record));

    /// <summary>Has all that was appended reach the disk.</summary>
    /// <exception cref="StorageException">The file cannot be written.</exception>
    public void Flush() => Guarded(() => stream.Flush(flushToDisk: true));

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private static IReadOnlyList<UpdateRecord> ReadUpTo(string path, RunSetup setup, int workers, long step)
    {
        (UpdateLogHeader header, IReadOnlyList<UpdateRecord> records) = Read(path, step);
        UpdateLogHeader expected = UpdateLogHeader.Of(setup, workers);
        if (header.Workers != expected.Workers)
        {
            throw new StorageException(
                path, $"is of a run with {header.Workers} workers; with mode {JsonNamingPolicy.CamelCase.ConvertName(header.Mode.ToString())} their number is part of the run: resume with --workers {header.Workers}");
        }

        if (header != expected)
        {
            throw new StorageException(path, "is of a run with other data, model or training options");
        }

        long updates = ConsistencyRule.Of(setup.Options.Training.Consistency).UpdatesBefore(SharePlan.Of(setup, header.Workers), step);
        return records.Count == updates
            ? records
            : throw new StorageException(path, $"has {records.Count} updates of the first {step} steps, the checkpoint {updates}: lines are missing or added, so the run could not be replayed; start anew with another --out");
    }

    /// <summary>Reads the records of steps before <paramref name="step"/>; what cannot be read after the last of them was never part of a checkpoint.</summary>
    private static (UpdateLogHeader Header, IReadOnlyList<UpdateRecord> Records) Read(string path, long step)
    {
        try
        {
            using var lines = new StreamReader(path);
            UpdateLogHeader header = Parse<UpdateLogHeader>(path, 1, lines.ReadLine());
            if (header.Format != UpdateLogHeader.CurrentFormat)
            {
                throw new StorageException(path, $"line 1: is of format '{header.Format}'; this version reads {UpdateLogHeader.CurrentFormat}");
            }

            var records = new List<UpdateRecord>();
            for (int number = 2; lines.ReadLine() is { } line; number++)
            {
                UpdateRecord record;
                try
                {
                    record = Parse<UpdateRecord>(path, number, line);
                }
                catch (StorageException) when (step < long.MaxValue)
                {
                    break;
                }

                if (record.Clock < step)
                {
                    records.Add(record);
                }
            }

            return (header, records);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"cannot be read: {exception.Message}", exception);
        }
    }

    private static T Parse<T>(string path, int number, string? line)
        where T : class
    {
        try
        {
            T? value = line is null ? null : JsonSerializer.Deserialize<T>(line, RunOptionsJson.Settings);
            return value is null or UpdateRecord { Parts: null or [] }
                ? throw new StorageException(path, $"line {number}: is no {(number == 1 ? "header of a log of updates" : "update")}")
                : value;
        }
        catch (JsonException exception)
        {
            throw new StorageException(path, $"line {number}: is no {(number == 1 ? "header of a log of updates" : "update")}", exception);
        }
    }

    private static void Write<T>(Stream file, T value)
    {
        JsonSerializer.Serialize(file, value, RunOptionsJson.Settings);
        file.WriteByte((byte)'\n');
    }

    private void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"could not be written: {exception.Message}", exception);
        }
    }
}
