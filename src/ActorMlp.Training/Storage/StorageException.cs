namespace ActorMlp.Training.Storage;

/// <summary>A file of a run could not be read or written; the message names it and says what to do.</summary>
public sealed class StorageException : Exception
{
    /// <summary>A problem with a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">What is wrong, and what to do.</param>
    /// <param name="cause">What the system said; null if it said nothing.</param>
    public StorageException(string path, string problem, Exception? cause = null)
        : base($"{path}: {problem}", cause)
    {
        Path = path;
    }

    /// <summary>The file.</summary>
    public string Path { get; }
}
