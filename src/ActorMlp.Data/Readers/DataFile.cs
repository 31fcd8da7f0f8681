using System.IO.Compression;
using System.Security.Cryptography;

namespace ActorMlp.Data.Readers;

/// <summary>A data file's bytes, plain or gzip (told by the content, not by the name).</summary>
internal static class DataFile
{
    /// <summary>Without this switch, which .NET reads once in a process, a gzip file that is cut short ends early without a word, and rows are lost.</summary>
    static DataFile() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

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
