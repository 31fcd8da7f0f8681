using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Cache;

/// <summary>
/// Puts a data cache together from pieces that come in any order and more than once, from any number of threads. Nothing is seen of it in its folder
/// before it is whole and has the hash that was promised.
/// </summary>
public sealed class DataCacheAssembly : IDisposable
{
    // EWOULDBLOCK.
    private const int LockedOnUnix = 11;

    private readonly Lock gate = new();
    private readonly string directory;
    private readonly string temporary;
    private readonly string sha256;
    private readonly SafeFileHandle file;

    /// <summary>What has come, ascending; neighbours are joined.</summary>
    private readonly List<ByteRange> received = [];

    /// <summary>Begins a cache.</summary>
    /// <param name="directory">The folder of caches; made if it is not there.</param>
    /// <param name="length">Length of the whole file.</param>
    /// <param name="sha256">SHA-256 of the whole file.</param>
    /// <exception cref="ArgumentException">The length or the hash is none.</exception>
    /// <exception cref="DataException">The folder cannot be written to, or has not enough room.</exception>
    public DataCacheAssembly(string directory, long length, string sha256)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (!DataCacheHeader.IsHash(sha256))
        {
            // It comes from another machine and becomes part of a file's name.
            throw new ArgumentException($"\"{sha256}\" is no SHA-256 of 64 lowercase hexadecimal digits", nameof(sha256));
        }

        this.directory = directory;
        this.sha256 = sha256;
        Length = length;
        string name = Path.GetFullPath(Path.Combine(directory, sha256));
        temporary = name;
        try
        {
            Directory.CreateDirectory(directory);
            DataCacheStore.DeleteAbandoned(name);
            (temporary, file) = CreateHeld(name, length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DataCacheStore.NotWritten(temporary, exception, length);
        }
    }

    /// <summary>Length of the whole file.</summary>
    public long Length { get; }

    /// <summary>What has not come yet, ascending.</summary>
    public IReadOnlyList<ByteRange> Missing
    {
        get
        {
            lock (gate)
            {
                var missing = new List<ByteRange>();
                long end = 0;
                foreach (ByteRange range in received.Append(new ByteRange(Length, 0)))
                {
                    if (range.Offset > end)
                    {
                        missing.Add(new ByteRange(end, range.Offset - end));
                    }

                    end = range.End;
                }

                return missing;
            }
        }
    }

    /// <summary>Takes a piece.</summary>
    /// <param name="offset">Where it belongs.</param>
    /// <param name="bytes">The piece.</param>
    /// <exception cref="ArgumentOutOfRangeException">It reaches beyond the file.</exception>
    /// <exception cref="DataException">The disk is full or fails.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset < 0 || offset > Length - bytes.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset} to {offset + bytes.Length - 1} are not all among the {Length} of the cache");
        }

        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException exception)
        {
            throw DataCacheStore.NotWritten(temporary, exception, Length);
        }

        if (bytes.Length > 0)
        {
            lock (gate)
            {
                Note(new ByteRange(offset, bytes.Length));
            }
        }
    }

    /// <summary>Checks the whole and puts it into its place; the assembly is over either way.</summary>
    /// <returns>The file, to be opened with <see cref="DataCache.Open(string)"/>.</returns>
    /// <exception cref="InvalidOperationException">Something is missing.</exception>
    /// <exception cref="DataException">It has another hash than promised, is no data cache, or the disk fails.</exception>
    public string Complete()
    {
        if (Missing is [var first, ..])
        {
            throw new InvalidOperationException($"bytes {first.Offset} to {first.End - 1} of the cache have not come");
        }

        try
        {
            // The file stays open until it has its place: what nobody holds open another process takes for abandoned.
            RandomAccess.FlushToDisk(file);
            string path;
            using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan))
            {
                string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
                if (actual != sha256)
                {
                    throw new DataException($"the data cache that was received has sha256 {actual} instead of {sha256}: a piece of it is wrong");
                }

                stream.Position = 0;
                path = DataCacheStore.PathOf(directory, DataCacheHeader.Read(temporary, stream).Header.Key);
            }

            DataCacheFile.Publish(temporary, path, sha256);
            return path;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DataCacheStore.NotWritten(temporary, exception, Length);
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Ends the assembly; what has come is thrown away, unless it was completed.</summary>
    public void Dispose()
    {
        file.Dispose();
        File.Delete(temporary);
    }

    /// <summary>
    /// Creates a temporary file and holds it open. On Unix there is a moment between the two in which another process may take the file for abandoned: it is
    /// then locked by that process, or gone, and the next one is tried.
    /// </summary>
    private static (string Path, SafeFileHandle File) CreateHeld(string name, long length)
    {
        while (true)
        {
            string path = DataCacheStore.TemporaryFor(name);
            try
            {
                SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.None, length);
                if (File.Exists(path))
                {
                    return (path, file);
                }

                file.Dispose();
            }
            catch (IOException exception) when (exception.HResult == LockedOnUnix)
            {
                // It goes when that process closes it.
            }
        }
    }

    private void Note(ByteRange range)
    {
        int first = 0;
        while (first < received.Count && received[first].End < range.Offset)
        {
            first++;
        }

        long start = range.Offset, end = range.End;
        int last = first;
        while (last < received.Count && received[last].Offset <= end)
        {
            start = Math.Min(start, received[last].Offset);
            end = Math.Max(end, received[last].End);
            last++;
        }

        received.RemoveRange(first, last - first);
        received.Insert(first, new ByteRange(start, end - start));
    }
}
