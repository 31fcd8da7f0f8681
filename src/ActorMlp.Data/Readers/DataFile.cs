using System.IO.Compression;
using System.Security.Cryptography;

namespace ActorMlp.Data.Readers;

/// <summary>A data file's bytes, plain or gzip (told by the content, not by the name).</summary>
internal static class DataFile
{
    /// <summary>Opens a file for reading, unpacked; what is read on the way is added to <paramref name="hash"/>, if any, as it lies on disk.</summary>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public static Stream Open(string path, IncrementalHash? hash)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            hash?.AppendData(bytes);
            var stream = new MemoryStream(bytes, writable: false);
            return bytes is [0x1F, 0x8B, ..] ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
    }
}
