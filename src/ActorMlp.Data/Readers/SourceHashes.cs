using System.Security.Cryptography;
using ActorMlp.Data.Fingerprints;

namespace ActorMlp.Data.Readers;

/// <summary>Hashes of the files that a run reads, as they lie on disk: one of each, and one over all of them in the order of reading.</summary>
/// <remarks>The hash over all, after the first file, is the first file's own: what is mostly the largest file is hashed once only.</remarks>
internal sealed class SourceHashes : IDisposable
{
    private readonly IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<SourceFile> files = [];
    private IncrementalHash? own;
    private long length;

    /// <summary>The files that were read to their end.</summary>
    public IReadOnlyList<SourceFile> Files => files;

    /// <summary>SHA-256 over the bytes of all of them.</summary>
    public string ContentSha256 => Convert.ToHexStringLower(all.GetCurrentHash());

    /// <summary>Takes the next bytes of the file that is being read.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        all.AppendData(bytes);
        own?.AppendData(bytes);
        length += bytes.Length;
    }

    /// <summary>The file is read to its end; the next one begins.</summary>
    /// <param name="key">The key that names it, such as <c>data.train</c>.</param>
    /// <param name="path">Where it lies.</param>
    public void EndFile(string key, string path)
    {
        byte[] sha256 = own is null ? all.GetCurrentHash() : own.GetHashAndReset();
        own ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        files.Add(new SourceFile(key, SourceFile.NameOf(path), length, Convert.ToHexStringLower(sha256)));
        length = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        all.Dispose();
        own?.Dispose();
    }
}
