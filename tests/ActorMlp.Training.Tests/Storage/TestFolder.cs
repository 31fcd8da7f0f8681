namespace ActorMlp.Training.Tests.Storage;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("actormlp-training-");

    /// <summary>Where it is.</summary>
    public string Path => folder.FullName;

    /// <summary>Where a file of it is.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a text file.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Delete(recursive: true);
}
