namespace ActorMlp.Data.Cache;

/// <summary>How a cache came to be used.</summary>
public enum DataCacheOutcome
{
    /// <summary>It was there, whole.</summary>
    Found,

    /// <summary>There was none, so it was made.</summary>
    Made,

    /// <summary>There was one, and it was made anew: because that was asked for, or because it was damaged.</summary>
    Remade,
}

/// <summary>The cache that a run's rows are in.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="FingerprintSha256">What a run sees of it, in one hash.</param>
/// <param name="Outcome">How it came to be used.</param>
/// <param name="Warning">What was wrong with the one before it; null for nothing.</param>
public sealed record DataCacheUse(string Path, long Length, string FingerprintSha256, DataCacheOutcome Outcome, string? Warning);
