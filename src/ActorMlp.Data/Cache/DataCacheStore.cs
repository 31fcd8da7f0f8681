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
            throw new DataException($"{path}: could not be written: {exception.Message}");
        }

        return DataCache.Open(path, exists ? DataCacheOutcome.Remade : DataCacheOutcome.Made, warning);
    }

    /// <summary>The file of a key.</summary>
    internal static string PathOf(string directory, string key) => Path.Combine(directory, key[..32] + Extension);

    /// <summary>A name that nobody else has, for what becomes <paramref name="path"/> when it is whole.</summary>
    internal static string TemporaryFor(string path) => $"{path}.{Path.GetRandomFileName()}{TemporarySuffix}";

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
