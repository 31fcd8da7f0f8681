using System.IO.Compression;

namespace ActorMlp.Data.Readers;

/// <summary>A data file that is read from start to end, plain or gzip (told by the content, not by the name).</summary>
internal sealed class DataFile : IDisposable
{
    private const int BufferSize = 1 << 18;

    private readonly string path;
    private readonly SourceHashes? hashes;
    private readonly BufferedStream packed;

    /// <summary>Without this switch, which .NET reads once in a process, a gzip file that is cut short ends early without a word, and rows are lost.</summary>
    static DataFile() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    private DataFile(string path, SourceHashes? hashes, BufferedStream packed, Stream content)
    {
        this.path = path;
        this.hashes = hashes;
        this.packed = packed;
        Content = content;
    }

    /// <summary>The file's bytes, unpacked.</summary>
    public Stream Content { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hashes">Gets what is read, as it lies on disk; null for nobody.</param>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public static DataFile Open(string path, SourceHashes? hashes)
    {
        // The first two bytes are looked at, unhashed, before reading begins.
        FileStream file = OpenStream(path);
        try
        {
            bool gzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
            file.Position = 0;
            var packed = new BufferedStream(new HashedStream(file, path, hashes), BufferSize);
            return new DataFile(path, hashes, packed, gzip ? new GZipStream(packed, CompressionMode.Decompress, leaveOpen: true) : packed);
        }
        catch (IOException exception)
        {
            file.Dispose();
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
    }

    /// <summary>Hashes what is left unread, so that the hashes are those of the whole file.</summary>
    /// <param name="key">The key that names the file, such as <c>data.train</c>.</param>
    public void Finish(string key)
    {
        if (hashes is null)
        {
            return;
        }

        var rest = new byte[BufferSize];
        while (packed.Read(rest) > 0)
        {
        }

        hashes.EndFile(key, path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Content.Dispose();
        packed.Dispose();
    }

    private static FileStream OpenStream(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
    }
}
