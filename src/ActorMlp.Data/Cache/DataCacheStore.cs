using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;

namespace ActorMlp.Data.Cache;

/// <summary>A folder of data caches, found by the hash of what they were made from.</summary>
public static class DataCacheStore
{
    /// <summary>The folder where none is named, below the current one.</summary>
    public const string DefaultDirectory = "data-cache";

    internal const string Extension = ".actormlp-data";
    internal const string TemporarySuffix = ".tmp";

    /// <summary>
    /// The cache of a run, opened and checked whole: the one that is there, or, if there is none or it is damaged, a new one. The source files are
    /// read in any case, to know that the cache is theirs.
    /// </summary>
    /// <param name="options">The section <c>data</c>; <see cref="DataOptions.CacheDirectory"/> says where.</param>
    /// <param name="seed">The run's seed, for splits without a seed of their own.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <param name="force">Makes it anew even if it is there.</param>
    /// <exception cref="DataException">A source file is missing or wrong, or the cache cannot be written.</exception>
    public static DataCache Prepare(DataOptions options, ulong seed, DataPaths paths, bool force)
    {
        IReadOnlyList<SourceFile> files = DataCacheKey.HashFiles(options, paths);
        string key = DataCacheKey.Of(options, seed, files);
        string path = PathOf(Path.GetFullPath(options.CacheDirectory ?? DefaultDirectory), key);
        bool exists = File.Exists(path);
        string? warning = null;
        if (exists && !force)
        {
            try
            {
                return OpenWhole(path, key);
            }
            catch (DataException exception)
            {
                warning = exception.Message;
            }
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            DeleteAbandoned(path);
            string temporary = TemporaryFor(path);
            try
            {
                new DataCacheBuilder(options, seed, paths).Write(temporary, key, files);
                DataCacheFile.Publish(temporary, path);
            }
            finally
            {
                File.Delete(temporary);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(path, exception, null);
        }

        return DataCache.Open(path, exists ? DataCacheOutcome.Remade : DataCacheOutcome.Made, warning);
    }

    /// <summary>
    /// The cache of data that are loaded, as bytes to give away: the one they are in, or, where they are in memory, one that is made or found as by
    /// <see cref="Prepare"/>, for which the source files are read again.
    /// </summary>
    /// <param name="data">The data; they and the file given here are independent of each other.</param>
    /// <param name="options">The section <c>data</c> that they were loaded by; <see cref="DataOptions.CacheDirectory"/> says where the cache goes.</param>
    /// <param name="seed">The run's seed that they were loaded by.</param>
    /// <param name="paths">Where relative paths lead.</param>
    /// <exception cref="DataException">The source files changed since the data were loaded, or are gone, or the cache cannot be written.</exception>
    public static DataCacheFile OpenFile(LoadedData data, DataOptions options, ulong seed, DataPaths paths)
    {
        if (data.CacheUse is { } use)
        {
            return DataCacheFile.OpenRead(use.Path);
        }

        using DataCache cache = Prepare(options, seed, paths, force: false);
        DataFingerprint loaded = data.ComputeFingerprint();
        if (loaded.Sha256 != cache.Fingerprint.Sha256)
        {
            throw new DataException(
                [.. DataFingerprint.Compare(loaded, cache.Fingerprint).Select(difference => $"the data changed since they were loaded: {difference}")]);
        }

        return DataCacheFile.OpenRead(cache.Use.Path);
    }

    /// <summary>The file of a key.</summary>
    internal static string PathOf(string directory, string key) => Path.Combine(directory, key[..32] + Extension);

    /// <summary>A name that nobody else has, for what becomes <paramref name="path"/> when it is whole.</summary>
    internal static string TemporaryFor(string path) => $"{path}.{Path.GetRandomFileName()}{TemporarySuffix}";

    /// <summary>What to say of a cache that could not be written. Of a disk that fills while it is written the system says little; of one that is too full from the start it says enough.</summary>
    /// <param name="path">The file.</param>
    /// <param name="exception">Why.</param>
    /// <param name="length">The length that it is to have; null where that is not known.</param>
    internal static DataException NotWritten(string path, Exception exception, long? length)
    {
        const int NoSpaceOnUnix = 28, NoSpaceOnWindows = unchecked((int)0x80070070);
        string needed = length is null ? "" : $", {length} bytes are needed for the data cache";
        return new DataException(exception is IOException { HResult: NoSpaceOnUnix or NoSpaceOnWindows }
            ? $"{path}: could not be written: the disk is full{needed}; make room, or name another folder in data.cacheDirectory"
            : $"{path}: could not be written: {exception.Message}");
    }

    private static DataCache OpenWhole(string path, string key)
    {
        DataCache cache = DataCache.Open(path);
        try
        {
            if (cache.Key != key)
            {
                throw new DataException($"{path}: is a data cache of other data or of another section data");
            }

            cache.Verify();
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>Deletes what killed processes left when they made <paramref name="path"/>: temporary files that nobody holds open.</summary>
    internal static void DeleteAbandoned(string path)
    {
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.*{TemporarySuffix}"))
        {
            try
            {
                using FileStream held = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another process is at work on it.
            }
        }
    }
}
