using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Engine.Batches;

namespace ActorMlp.Data.Tests.Cache;

/// <summary>A folder with source files and, below it, one for caches.</summary>
internal sealed class CacheFolder : IDisposable
{
    /// <summary>Source files.</summary>
    public TestFolder Sources { get; } = new();

    /// <summary>Where caches go.</summary>
    public string Caches => Sources.At("caches");

    /// <summary>What is there, by name.</summary>
    public string[] Files => Directory.Exists(Caches) ? [.. Directory.GetFiles(Caches).Select(path => Path.GetFileName(path)).Order()] : [];

    /// <summary>A section with the cache turned on.</summary>
    public DataOptions Cached(DataOptions options) => options with { Cache = CacheMode.Auto, CacheDirectory = Caches };

    /// <summary>Rows in memory.</summary>
    public LoadedData InMemory(DataOptions options, ulong seed = 1) => DataLoader.Load(options, seed, Sources.Paths);

    /// <summary>Rows in a cache.</summary>
    public LoadedData InCache(DataOptions options, ulong seed = 1) => DataLoader.Load(Cached(options), seed, Sources.Paths);

    /// <summary>Makes a cache, lets go of it, and says where it is.</summary>
    public string Make(DataOptions options)
    {
        using LoadedData data = InCache(options);
        return data.CacheUse!.Path;
    }

    /// <summary>Checks that a run sees the same bits either way.</summary>
    public void AssertSameBits(DataOptions options, ulong seed = 1)
    {
        LoadedData expected = InMemory(options, seed);
        using LoadedData actual = InCache(options, seed);
        AssertSameBits(expected, actual);
    }

    /// <summary>Checks that a run sees the same bits of two data.</summary>
    public static void AssertSameBits(LoadedData expected, LoadedData actual)
    {
        DataFingerprint fingerprint = expected.ComputeFingerprint();
        Assert.Empty(DataFingerprint.Compare(fingerprint, actual.ComputeFingerprint()));
        Assert.Equal(fingerprint.Sha256, actual.ComputeFingerprint().Sha256);
        Assert.Equal(expected.ContentSha256, actual.ContentSha256);
        Assert.Equal(expected.Preprocessing.Offset, actual.Preprocessing.Offset);
        Assert.Equal(expected.Preprocessing.Scale, actual.Preprocessing.Scale);
        Assert.Equal(
            (expected.Preprocessing.Kind, expected.Preprocessing.TargetOffset, expected.Preprocessing.TargetScale),
            (actual.Preprocessing.Kind, actual.Preprocessing.TargetOffset, actual.Preprocessing.TargetScale));

        // A cache states its fingerprint; here it is computed from what is read back.
        foreach ((IExampleSource? one, IExampleSource? other) in new[]
        {
            (expected.Training, actual.Training), (expected.Validation, actual.Validation), (expected.Test, actual.Test),
        })
        {
            Assert.Equal(one is null, other is null);
            Assert.Equal(one?.Targets, other?.Targets);
            Assert.Equal(one is null ? null : SplitHasher.Hash(one), other is null ? null : SplitHasher.Hash(other));
        }
    }

    /// <summary>Opens a cache and reads all of it.</summary>
    public static void ReadAll(string path)
    {
        using DataCache cache = DataCache.Open(path);
        cache.Verify();
    }

    public void Dispose() => Sources.Dispose();
}
