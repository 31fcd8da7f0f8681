using ActorMlp.Data.Cache;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Engine.Batches;

namespace ActorMlp.Data;

/// <summary>All rows of a run, read, split and preprocessed: in memory, or in a cache on disk that is mapped into it.</summary>
/// <param name="Training">Rows to train on.</param>
/// <param name="Validation">Rows to choose the model on; null for none.</param>
/// <param name="Test">Rows to test the model on; null for none.</param>
/// <param name="Schema">How rows are read.</param>
/// <param name="Preprocessing">How they are scaled.</param>
/// <param name="ContentSha256">SHA-256 over the bytes of the files that were read, in the order training, validation, test.</param>
public sealed record LoadedData(
    IExampleSource Training,
    IExampleSource? Validation,
    IExampleSource? Test,
    DataSchema Schema,
    Preprocessing Preprocessing,
    string ContentSha256) : IDisposable
{
    /// <summary>The files that were read, in the order of reading; empty where rows come from elsewhere.</summary>
    public IReadOnlyList<SourceFile> Files { get; init; } = [];

    /// <summary>The cache that the rows are in; null where they are in memory.</summary>
    public DataCacheUse? CacheUse { get; init; }

    /// <summary>The cache, which goes when the data go.</summary>
    internal DataCache? Cache { get; init; }

    /// <summary>What the run sees, in hashes. Reads all rows that are in memory; a cache knows its fingerprint.</summary>
    public DataFingerprint ComputeFingerprint() => Cache?.Fingerprint ?? DataFingerprint.Of(this);

    /// <summary>Lets go of a cache; its rows cannot be read afterwards. Rows in memory need no such call.</summary>
    public void Dispose() => Cache?.Dispose();
}
