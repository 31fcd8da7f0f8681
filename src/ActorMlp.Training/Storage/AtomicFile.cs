namespace ActorMlp.Training.Storage;

/// <summary>Writes files such that a reader sees the old contents or the new, never a part, whatever is killed or cut off on the way.</summary>
/// <remarks>
/// Written to a temporary name in the same folder, flushed to the disk, then renamed. The rename itself is not flushed (the base class library
/// cannot flush a folder): after a power cut the old file may be there again, whole.
/// </remarks>
public static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its contents.</param>
    /// <exception cref="StorageException">It could not be written; the old file is untouched.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = path + ".tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw new StorageException(path, $"could not be written: {exception.Message}", exception);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What matters is said already: the write failed. A temporary file that stays is overwritten by the next.
        }
    }
}
