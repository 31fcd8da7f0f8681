using System.Security.Cryptography;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Readers;

namespace ActorMlp.Data.Fingerprints;

/// <summary>A file that rows come from, and the hash of what is in it.</summary>
/// <param name="Key">The key of the run file that names it, such as <c>data.trainLabels</c>.</param>
/// <param name="Name">Its name with its folder's, such as <c>mnist/train-images-idx3-ubyte.gz</c>: for people; machines may keep it elsewhere.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Sha256">SHA-256 of its bytes as they lie on disk, packed or not: what <c>sha256sum</c> prints.</param>
public sealed record SourceFile(string Key, string Name, long Length, string Sha256)
{
    /// <summary>Hashes the files that a run reads, as far as they are there; those that are missing are left out.</summary>
    /// <param name="options">The section <c>data</c>.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <exception cref="DataException">A file is there and cannot be read.</exception>
    public static IReadOnlyList<SourceFile> HashAll(DataOptions options, DataPaths paths)
    {
        var files = new List<SourceFile>();
        foreach ((string key, string file) in SourceTable.Files(options))
        {
            if (paths.Find(file) is { } path)
            {
                files.Add(Hash(key, path));
            }
        }

        return files;
    }

    /// <summary>A file's name with its folder's.</summary>
    internal static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        string? folder = Path.GetFileName(Path.GetDirectoryName(path));
        return string.IsNullOrEmpty(folder) ? name : $"{folder}/{name}";
    }

    private static SourceFile Hash(string key, string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
            return new SourceFile(key, NameOf(path), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
    }
}
