namespace ActorMlp.Training.Storage;

/// <summary>The folder of a run.</summary>
/// <param name="path">Where it is.</param>
public sealed class RunDirectory(string path)
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = path;

    /// <summary>The effective run file.</summary>
    public string Configuration => At("config.yaml");

    /// <summary>A line per epoch, and per step on request.</summary>
    public string Metrics => At("metrics.jsonl");

    /// <summary>A line per step: who computed what.</summary>
    public string Ledger => At("ledger.jsonl");

    /// <summary>The order in which updates were applied, where the run's consistency leaves it open.</summary>
    public string Updates => At("updates.jsonl");

    /// <summary>How the run ended.</summary>
    public string Summary => At("summary.json");

    /// <summary>The trained network.</summary>
    public string Model => At("model.safetensors");

    /// <summary>The curves.</summary>
    public string Plot => At("training.png");

    /// <summary>The log.</summary>
    public string Log => At("log.jsonl");

    /// <summary>The newest checkpoint.</summary>
    public string LastCheckpoint => At("checkpoints/last.safetensors");

    /// <summary>The checkpoint of the epoch that is best on the validation rows.</summary>
    public string BestCheckpoint => At("checkpoints/best.safetensors");

    /// <summary>Makes the folder for a new run.</summary>
    /// <exception cref="StorageException">It holds something already, or cannot be made.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Path);
            if (Directory.EnumerateFileSystemEntries(Path).Any())
            {
                throw new StorageException(Path, "is not empty; --resume goes on with the run in it, another --out starts a new one");
            }

            Directory.CreateDirectory(At("checkpoints"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(Path, $"cannot be made: {exception.Message}", exception);
        }
    }

    /// <summary>The newest checkpoint that is whole.</summary>
    /// <param name="problems">Gets what is wrong with those that are not.</param>
    /// <exception cref="StorageException">There is none.</exception>
    public Checkpoint LoadNewestCheckpoint(ICollection<string> problems)
    {
        // The best of an epoch is on disk before the last one: of a run that ended in between it is the newer of the two.
        Checkpoint? newest = null;
        foreach (string file in new[] { LastCheckpoint, BestCheckpoint }.Where(File.Exists))
        {
            try
            {
                Checkpoint one = Checkpoint.Load(file);
                newest = newest is null || one.Progress.Step > newest.Progress.Step ? one : newest;
            }
            catch (StorageException exception)
            {
                problems.Add(exception.Message);
            }
        }

        if (newest is not null)
        {
            return newest;
        }

        throw new StorageException(Path, problems.Count == 0
            ? "has no checkpoint to resume from; run without --resume to start anew"
            : $"has no whole checkpoint to resume from ({string.Join("; ", problems)})");
    }

    private string At(string name) => System.IO.Path.Combine(Path, name);
}
