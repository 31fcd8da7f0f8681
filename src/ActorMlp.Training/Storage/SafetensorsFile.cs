using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ActorMlp.Training.Storage;

/// <summary>What a safetensors file holds.</summary>
/// <param name="Tensors">Its tensors by name.</param>
/// <param name="Metadata">Its metadata, the checksum left out.</param>
public sealed record SafetensorsContent(IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The version of models and checkpoints that is written and read here.</summary>
    public const string FormatVersion = "1";

    /// <summary>Checks what kind of file it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">The kind that is expected, in the metadata <c>format</c>.</param>
    /// <param name="name">What to call that kind.</param>
    /// <exception cref="StorageException">It is of another kind or version.</exception>
    public void RequireFormat(string path, string format, string name)
    {
        if (Metadata.GetValueOrDefault("format") != format)
        {
            throw new StorageException(path, $"is no {name} of actormlp");
        }

        if (Metadata.GetValueOrDefault("formatVersion") is var version && version != FormatVersion)
        {
            throw new StorageException(path, $"is a {name} of format version {version}; version {FormatVersion} is read here");
        }
    }
}

/// <summary>
/// The safetensors format: eight bytes with the header's length, a JSON header that names each tensor's type, shape and place, then the data
/// without gaps. Python's <c>safetensors</c> reads it as it stands.
/// </summary>
/// <remarks>
/// One thing is added, as metadata: <c>checksum</c>, the SHA-256 of the whole file with that checksum's 64 digits written as zeros. It is verified
/// on reading, so a file with any other bit than it was written with is refused.
/// </remarks>
public static class SafetensorsFile
{
    private const string ChecksumKey = "checksum";
    private const string ChecksumPrefix = "sha256:";
    private const int ChecksumDigits = 64;
    private const int LengthBytes = 8;

    /// <summary>Writes a file; see <see cref="AtomicFile"/>.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public static void Write(string path, IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        byte[] header = Header(tensors, metadata);
        byte[] length = new byte[LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        int checksum = header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ChecksumPrefix + new string('0', ChecksumDigits)));
        AtomicFile.Write(path, stream =>
        {
            using var hash = SHA256.Create();
            using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            {
                hashed.Write(length);
                hashed.Write(header);
                foreach (TensorSource tensor in tensors)
                {
                    tensor.Write(hashed);
                }
            }

            stream.Position = LengthBytes + checksum + ChecksumPrefix.Length;
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.Hash!)));
        });
    }

    /// <summary>Reads a file and verifies its structure and its checksum.</summary>
    /// <exception cref="StorageException">It is missing, cut short, or not what was written.</exception>
    public static SafetensorsContent Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"cannot be read: {exception.Message}", exception);
        }

        long length = bytes.Length < LengthBytes ? -1 : BinaryPrimitives.ReadInt64LittleEndian(bytes);
        if (length < 2 || length > bytes.Length - LengthBytes)
        {
            throw Damaged(path, "it is cut short, or no safetensors file");
        }

        try
        {
            using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(LengthBytes, (int)length));
            return Parse(path, bytes, LengthBytes + (int)length, header.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw Damaged(path, "its header is not one of a safetensors file");
        }
    }

    private static byte[] Header(IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString(ChecksumKey, ChecksumPrefix + new string('0', ChecksumDigits));
            foreach ((string key, string value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
            long offset = 0;
            foreach (TensorSource tensor in tensors)
            {
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", tensor.Type.ToString());
                writer.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                {
                    writer.WriteNumberValue(size);
                }

                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(offset);
                writer.WriteNumberValue(offset += tensor.Length);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        // Spaces up to a multiple of eight, so that the data are aligned.
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }

    private static SafetensorsContent Parse(string path, byte[] bytes, int dataStart, JsonElement header)
    {
        var metadata = new Dictionary<string, string>();
        var tensors = new Dictionary<string, Tensor>();
        long next = 0;
        foreach (JsonProperty entry in header.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (JsonProperty item in entry.Value.EnumerateObject())
                {
                    metadata[item.Name] = item.Value.GetString() ?? throw Damaged(path, "its metadata are not text");
                }
            }
            else
            {
                Tensor tensor = ParseTensor(path, bytes, dataStart, entry, next);
                next += tensor.Data.Length;
                tensors[entry.Name] = tensor;
            }
        }

        if (dataStart + next != bytes.Length)
        {
            throw Damaged(path, "it has more data than its header names");
        }

        VerifyChecksum(path, bytes, dataStart, metadata);
        metadata.Remove(ChecksumKey);
        return new SafetensorsContent(tensors, metadata);
    }

    private static Tensor ParseTensor(string path, byte[] bytes, int dataStart, JsonProperty entry, long expectedBegin)
    {
        if (!Enum.TryParse(entry.Value.GetProperty("dtype").GetString(), out TensorType type) || !Enum.IsDefined(type))
        {
            throw Damaged(path, $"tensor '{entry.Name}' is of a type that is not read here (F32 and F64 are)");
        }

        long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        Int128 size = shape.Aggregate((Int128)Tensor.SizeOf(type), (product, dimension) => dimension < 0 || product > long.MaxValue ? Int128.MaxValue : product * dimension);
        if (offsets.Length != 2
            || offsets[0] != expectedBegin
            || offsets[1] < offsets[0]
            || size != offsets[1] - offsets[0]
            || offsets[1] > bytes.Length - dataStart)
        {
            throw Damaged(path, $"tensor '{entry.Name}' does not lie where its header says");
        }

        return new Tensor(entry.Name, type, shape, bytes.AsMemory(dataStart + (int)offsets[0], (int)size));
    }

    private static void VerifyChecksum(string path, byte[] bytes, int dataStart, Dictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(ChecksumKey, out string? checksum)
            || !checksum.StartsWith(ChecksumPrefix, StringComparison.Ordinal)
            || checksum.Length != ChecksumPrefix.Length + ChecksumDigits)
        {
            throw Damaged(path, "it has no checksum");
        }

        int at = bytes.AsSpan(0, dataStart).IndexOf(Encoding.ASCII.GetBytes(checksum)) + ChecksumPrefix.Length;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bytes.AsSpan(0, at));
        hash.AppendData(Encoding.ASCII.GetBytes(new string('0', ChecksumDigits)));
        hash.AppendData(bytes.AsSpan(at + ChecksumDigits));
        if (at < ChecksumPrefix.Length || checksum[ChecksumPrefix.Length..] != Convert.ToHexStringLower(hash.GetHashAndReset()))
        {
            throw Damaged(path, "its checksum is wrong: some of its bytes have changed");
        }
    }

    private static StorageException Damaged(string path, string problem) =>
        new(path, $"is damaged: {problem}; use another copy, or an older checkpoint");
}
