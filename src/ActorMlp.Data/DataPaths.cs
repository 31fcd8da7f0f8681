namespace ActorMlp.Data;

/// <summary>Where relative paths of a run file lead.</summary>
/// <param name="BaseDirectory">The run file's folder.</param>
/// <param name="DataDirectory">What <c>--data-dir</c> says; null for nothing.</param>
public sealed record DataPaths(string BaseDirectory, string? DataDirectory)
{
    /// <summary>The places where a path may lie: below <see cref="DataDirectory"/> first, then below <see cref="BaseDirectory"/>.</summary>
    public IReadOnlyList<string> Candidates(string path) => Path.IsPathRooted(path)
        ? [path]
        : DataDirectory is null
            ? [Path.GetFullPath(Path.Combine(BaseDirectory, path))]
            : [Path.GetFullPath(Path.Combine(DataDirectory, path)), Path.GetFullPath(Path.Combine(BaseDirectory, path))];

    /// <summary>The file, or null where there is none.</summary>
    public string? Find(string path) => Candidates(path).FirstOrDefault(File.Exists);

    /// <summary>The file.</summary>
    /// <exception cref="DataException">There is none; the message names the places that were looked at.</exception>
    public string Resolve(string path) => Find(path) ?? throw new DataException(Missing(path));

    /// <summary>What to say of a file that is missing.</summary>
    public string Missing(string path) => $"{path}: no such file; looked for {string.Join(" and ", Candidates(path))}"
        + (DataDirectory is null ? "; --data-dir names another folder to look in" : "");
}
