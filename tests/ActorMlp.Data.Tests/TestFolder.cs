using System.IO.Compression;
using System.Text;

namespace ActorMlp.Data.Tests;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("actormlp-data-");

    /// <summary>Where it is.</summary>
    public string Path => folder.FullName;

    /// <summary>Relative paths lead here.</summary>
    public DataPaths Paths => new(Path, null);

    /// <summary>Where a file of it is.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a text file.</summary>
    public string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a file.</summary>
    public string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(At(name), bytes);
        return At(name);
    }

    /// <summary>Bytes packed with gzip.</summary>
    public static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Delete(recursive: true);
}
