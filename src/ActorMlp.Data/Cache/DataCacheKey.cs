using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Data.Readers;

namespace ActorMlp.Data.Cache;

/// <summary>What decides the rows of a cache, in one hash: the section <c>data</c>, the contents of its files, and the version of the format.</summary>
internal static class DataCacheKey
{
    /// <summary>The key; where the files lie, and the seed where nothing is drawn with it, are not in it.</summary>
    /// <param name="options">The section <c>data</c>.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="files">The files, all of them.</param>
    public static string Of(DataOptions options, ulong seed, IReadOnlyList<SourceFile> files)
    {
        bool draws = options.ValidationFraction > 0 || options.TestFraction > 0;
        DataOptions deciding = options with
        {
            Train = "",
            TrainLabels = null,
            Validation = options.Validation is null ? null : "",
            ValidationLabels = null,
            Test = options.Test is null ? null : "",
            TestLabels = null,
            SplitSeed = draws ? options.SplitSeed ?? seed : null,
            Cache = CacheMode.None,
            CacheDirectory = null,
            Distribution = DataDistribution.Local,
        };
        string text = JsonSerializer.Serialize(
            new { version = DataCacheHeader.Version, deciding, files = files.Select(file => new { file.Key, file.Sha256 }) }, DataJson.Settings);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The files that a run reads, hashed.</summary>
    /// <exception cref="DataException">One is missing or cannot be read.</exception>
    public static IReadOnlyList<SourceFile> HashFiles(DataOptions options, DataPaths paths)
    {
        foreach ((_, string file) in SourceTable.Files(options))
        {
            _ = paths.Resolve(file);
        }

        return SourceFile.HashAll(options, paths);
    }
}
