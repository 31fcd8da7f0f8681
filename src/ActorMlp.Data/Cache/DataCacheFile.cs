using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Cache;

/// <summary>A data cache as bytes with a hash, to be given away in pieces; see <see cref="DataCacheAssembly"/> for the other end.</summary>
/// <remarks>
/// The hash of the whole file stands in a file beside it, <c>….sha256</c>, in the format of <c>sha256sum</c>; where that is missing, it is computed and written.
/// </remarks>
public sealed class DataCacheFile : IDisposable
{
    private const string HashExtension = ".sha256";

    private readonly SafeFileHandle handle;

    private DataCacheFile(string path, SafeFileHandle handle, string sha256)
    {
        Path = path;
        this.handle = handle;
        Sha256 = sha256;
        Length = RandomAccess.GetLength(handle);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }

    /// <summary>SHA-256 of its bytes.</summary>
    public string Sha256 { get; }

    /// <summary>Opens a cache for reading.</summary>
    /// <exception cref="DataException">It is missing, no cache of this version, or cut short.</exception>
    public static DataCacheFile OpenRead(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0, FileOptions.SequentialScan);
            _ = DataCacheHeader.Read(path, file);
            SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (KnownHash(path) is not { } sha256)
            {
                file.Position = 0;
                sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
                TryWriteHash(path, sha256);
            }

            return new DataCacheFile(path, handle, sha256);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
    }

    /// <summary>Opens the cache that has a hash, or gives null where a folder has none such. Caches whose hash was never asked for are hashed first.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="sha256">The hash of the whole file.</param>
    public static DataCacheFile? Find(string directory, string sha256)
    {
        if (!Directory.Exists(directory))
        {
            return null;
        }

        foreach (string path in Directory.EnumerateFiles(directory, $"*{DataCacheStore.Extension}"))
        {
            try
            {
                DataCacheFile file = OpenRead(path);
                if (file.Sha256 == sha256)
                {
                    return file;
                }

                file.Dispose();
            }
            catch (DataException)
            {
                // A damaged cache is not the one that is looked for.
            }
        }

        return null;
    }

    /// <summary>Reads bytes from any place; any number of threads may.</summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="destination">Filled to its end.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the file.</exception>
    /// <exception cref="DataException">The disk fails.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset} to {offset + destination.Length - 1} are not all among the {Length} of {Path}");
        }

        try
        {
            while (destination.Length > 0)
            {
                int count = RandomAccess.Read(handle, destination, offset);
                if (count == 0)
                {
                    throw DataCacheHeader.Damaged(Path, "it was cut short while it was read");
                }

                destination = destination[count..];
                offset += count;
            }
        }
        catch (IOException exception)
        {
            throw new DataException($"{Path}: cannot be read: {exception.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    /// <summary>Puts a whole file into its place, at once. The hash of the one before it goes first, so that no hash stands beside another file.</summary>
    internal static void Publish(string temporary, string path, string? sha256 = null)
    {
        File.Delete(path + HashExtension);
        File.Move(temporary, path, overwrite: true);
        if (sha256 is not null)
        {
            TryWriteHash(path, sha256);
        }
    }

    private static string? KnownHash(string path)
    {
        string file = path + HashExtension;
        string text = File.Exists(file) ? File.ReadAllText(file) : "";
        string hash = text.Split(' ')[0];
        return DataCacheHeader.IsHash(hash) ? hash : null;
    }

    /// <summary>A hash that cannot be written (the folder may be read-only) is computed again the next time.</summary>
    private static void TryWriteHash(string path, string sha256)
    {
        string temporary = DataCacheStore.TemporaryFor(path);
        try
        {
            File.WriteAllText(temporary, $"{sha256}  {System.IO.Path.GetFileName(path)}\n");
            File.Move(temporary, path + HashExtension, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // See above.
        }
    }
}
