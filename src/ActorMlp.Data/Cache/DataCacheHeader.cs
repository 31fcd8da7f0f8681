using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;

namespace ActorMlp.Data.Cache;

/// <summary>What stands at the start of a data cache: all that a run must know of its data but the rows.</summary>
/// <remarks>
/// Layout: magic (8 bytes), version (uint32), length of the JSON (uint32), SHA-256 (32 bytes) over version, length and JSON, zeros up to byte 64,
/// the JSON, zeros up to a multiple of 4096; then the training, validation and test rows. Numbers are little-endian.
/// </remarks>
internal sealed record DataCacheHeader
{
    /// <summary>Raised whenever the layout changes, or what readers, splits or scaling make of the same files: caches of other versions are not used.</summary>
    public const int Version = 1;

    private const int Preamble = 64;
    private const int ChecksumOffset = 16;

    private const int MostJson = 1 << 28;

    private static ReadOnlySpan<byte> Magic => "ACTORMLD"u8;

    /// <summary>Hash of the section <c>data</c> and of the source files; see <see cref="DataCacheKey"/>.</summary>
    public required string Key { get; init; }

    /// <summary>As in <see cref="LoadedData.ContentSha256"/>.</summary>
    public required string ContentSha256 { get; init; }

    /// <summary>How rows were read.</summary>
    public required DataSchema Schema { get; init; }

    /// <summary>How they were scaled.</summary>
    public required Preprocessing Preprocessing { get; init; }

    /// <summary>What is in the rows, and how many there are.</summary>
    public required DataFingerprint Fingerprint { get; init; }

    /// <summary>Where the rows are, in the file that has this header.</summary>
    [JsonIgnore]
    public DataCacheLayout Layout => LayoutAfter(JsonSerializer.SerializeToUtf8Bytes(this, DataJson.Settings).Length);

    /// <summary>Whether rows have a target column instead of a label.</summary>
    [JsonIgnore]
    public bool HasTargets => Schema.Task == DataTask.Regression;

    /// <summary>The header as it stands in the file, zeros after it included.</summary>
    public byte[] ToBytes()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, DataJson.Settings);
        var bytes = new byte[LayoutAfter(json.Length).FirstRow];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), json.Length);
        json.CopyTo(bytes, Preamble);
        Checksum(bytes, json.Length).CopyTo(bytes, ChecksumOffset);
        return bytes;
    }

    /// <summary>Reads the header of a file, and checks that the file is as long as it says.</summary>
    /// <exception cref="DataException">It is none of this version, damaged or cut short.</exception>
    public static (DataCacheHeader Header, DataCacheLayout Layout) Read(string path, FileStream file)
    {
        var preamble = new byte[Preamble];
        if (file.ReadAtLeast(preamble, Preamble, throwOnEndOfStream: false) < Preamble || !preamble.AsSpan(0, 8).SequenceEqual(Magic))
        {
            throw new DataException($"{path}: is no data cache of actormlp");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(preamble.AsSpan(8));
        if (version != Version)
        {
            throw new DataException($"{path}: is a data cache of version {version}, this actormlp has version {Version}; actormlp data prepare makes it anew");
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(preamble.AsSpan(12));
        if (length is < 2 or > MostJson)
        {
            throw Damaged(path, "its header has an impossible length");
        }

        var bytes = new byte[Preamble + length];
        preamble.CopyTo(bytes, 0);
        if (file.ReadAtLeast(bytes.AsSpan(Preamble), length, throwOnEndOfStream: false) < length)
        {
            throw Damaged(path, "it is cut short");
        }

        if (!Checksum(bytes, length).AsSpan().SequenceEqual(preamble.AsSpan(ChecksumOffset, SHA256.HashSizeInBytes)))
        {
            throw Damaged(path, "its header does not have the checksum that it states");
        }

        DataCacheHeader header = JsonSerializer.Deserialize<DataCacheHeader>(bytes.AsSpan(Preamble), DataJson.Settings)
            ?? throw Damaged(path, "its header is empty");
        if (!IsHash(header.Key))
        {
            throw Damaged(path, "its key is no hash");
        }

        DataCacheLayout layout = header.LayoutAfter(length);
        return file.Length == layout.Length
            ? (header, layout)
            : throw Damaged(path, $"it has {file.Length} bytes, but its header announces {layout.Length}");
    }

    /// <summary>Whether a text is a SHA-256 as it is written here.</summary>
    public static bool IsHash(string text) => text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigitLower);

    /// <summary>What to say of a cache that is not as it was written.</summary>
    public static DataException Damaged(string path, string how) =>
        new($"{path}: is a damaged data cache: {how}; actormlp data prepare --force makes it anew");

    private static byte[] Checksum(byte[] bytes, int jsonLength)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bytes.AsSpan(8, 8));
        hash.AppendData(bytes.AsSpan(Preamble, jsonLength));
        return hash.GetHashAndReset();
    }

    private DataCacheLayout LayoutAfter(int jsonLength) => new(
        DataCacheLayout.FirstRowAfter(Preamble + jsonLength),
        Schema.InputColumns.Count,
        Fingerprint.Training.Rows,
        Fingerprint.Validation?.Rows ?? 0,
        Fingerprint.Test?.Rows ?? 0);
}
