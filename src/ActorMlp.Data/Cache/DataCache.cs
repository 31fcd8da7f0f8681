using System.IO.MemoryMappedFiles;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Data.Splits;

namespace ActorMlp.Data.Cache;

/// <summary>A data cache, mapped into memory: the rows of a run as it sees them, read, split and scaled, without its source files.</summary>
/// <remarks>The file is not to be written to while it is mapped; making it anew puts another file in its place and does no harm.</remarks>
public sealed class DataCache : IDisposable
{
    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly DataCacheHeader header;
    private readonly MappedDataset?[] splits;

    private DataCache(string path, FileStream file, DataCacheHeader header, DataCacheLayout layout, DataCacheOutcome outcome, string? warning)
    {
        this.header = header;
        Use = new DataCacheUse(path, layout.Length, header.Fingerprint.Sha256, outcome, warning);
        mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = mapping.CreateViewAccessor(0, layout.Length, MemoryMappedFileAccess.Read);
        splits = [.. Enum.GetValues<SplitPart>().Select(part => layout.RowsOf(part) == 0
            ? null
            : new MappedDataset(path, view.SafeMemoryMappedViewHandle, layout.StartOf(part), layout.RowsOf(part), layout, header.HasTargets))];
    }

    /// <summary>Where it is, and how it came to be used.</summary>
    public DataCacheUse Use { get; }

    /// <summary>What a run sees of it, in hashes.</summary>
    public DataFingerprint Fingerprint => header.Fingerprint;

    /// <summary>Inputs per row.</summary>
    public int Inputs => header.Schema.InputColumns.Count;

    /// <summary>Hash of the section <c>data</c> and of the files that it was made from.</summary>
    public string Key => header.Key;

    /// <summary>Opens a cache. Its header is checked at once, each row when it is first read.</summary>
    /// <exception cref="DataException">It is missing, no cache of this version, damaged or cut short.</exception>
    public static DataCache Open(string path) => Open(path, DataCacheOutcome.Found, null);

    /// <summary>Checks every row, which reads the whole file once.</summary>
    /// <exception cref="DataException">A row is damaged.</exception>
    public void Verify()
    {
        foreach (MappedDataset? split in splits)
        {
            split?.CheckAll();
        }
    }

    /// <summary>The data of a run; the cache goes when they go.</summary>
    public LoadedData ToLoadedData() => new(
        Split(SplitPart.Training)!,
        Split(SplitPart.Validation),
        Split(SplitPart.Test),
        header.Schema,
        header.Preprocessing,
        header.ContentSha256)
    {
        Files = Fingerprint.Files,
        CacheUse = Use,
        Cache = this,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        view.Dispose();
        mapping.Dispose();
    }

    /// <summary>Opens a cache and says how it came to be used.</summary>
    internal static DataCache Open(string path, DataCacheOutcome outcome, string? warning)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new DataException($"{path}: a data cache needs a little-endian processor; train with data.cache: none");
        }

        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
            (DataCacheHeader header, DataCacheLayout layout) = DataCacheHeader.Read(path, file);
            var cache = new DataCache(path, file, header, layout, outcome, warning);
            file = null;
            return cache;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {exception.Message}");
        }
        finally
        {
            file?.Dispose();
        }
    }

    private MappedDataset? Split(SplitPart part) => splits[(int)part];
}
