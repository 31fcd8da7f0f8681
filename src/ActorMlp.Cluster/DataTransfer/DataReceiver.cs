using ActorMlp.Cluster.Bulk;
using ActorMlp.Data;
using ActorMlp.Data.Cache;

namespace ActorMlp.Cluster.DataTransfer;

/// <summary>Takes the pieces of a data cache that a <see cref="DataSender"/> sends, in any order and more than once, until it is whole and checked.</summary>
public sealed class DataReceiver : IDisposable
{
    private readonly Lock gate = new();
    private readonly DataCacheAssembly assembly;
    private readonly ulong runId;
    private readonly TaskCompletionSource<string> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool over;

    /// <summary>A taker of one cache.</summary>
    /// <param name="assembly">Where pieces go; it belongs to the receiver from now on.</param>
    /// <param name="runId">The run; pieces for others are ignored.</param>
    public DataReceiver(DataCacheAssembly assembly, ulong runId)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        this.assembly = assembly;
        this.runId = runId;
    }

    /// <summary>
    /// The path of the cache, once it is whole, has the hash that was promised, and is in its place: for <see cref="DataLoader.LoadCache"/>. Faults with
    /// <see cref="DataException"/> if a piece or the whole is wrong, or the disk is full or fails; is cancelled by <see cref="Dispose"/>.
    /// </summary>
    public Task<string> Completion => completion.Task;

    /// <summary>What has not come yet, ascending: to be asked for, and asked for again when the giver restarted or there is another.</summary>
    public IReadOnlyList<ByteRange> Missing => assembly.Missing;

    /// <summary>
    /// The cache with a hash, if a folder has it: then nothing needs to be sent. Every row of it is checked, which reads it once; one that is damaged
    /// does not count, and goes when it was received again.
    /// </summary>
    /// <param name="directory">The folder of caches; need not be there.</param>
    /// <param name="sha256">SHA-256 of the whole file.</param>
    /// <returns>Its path, or null.</returns>
    public static string? FindCache(string directory, string sha256)
    {
        using DataCacheFile? file = DataCacheFile.Find(directory, sha256);
        if (file is null)
        {
            return null;
        }

        try
        {
            using DataCache cache = DataCache.Open(file.Path);
            cache.Verify();
            return file.Path;
        }
        catch (DataException)
        {
            return null;
        }
    }

    /// <summary>
    /// Takes a frame; for <see cref="IBulkSink.Receive"/>, on the connection's thread. Never throws. Frames of other kinds, of other runs, and such as
    /// come after the end are ignored. The bytes are copied to the file (in practice to the system's cache of it), and not needed afterwards.
    /// </summary>
    /// <param name="header">What the frame is.</param>
    /// <param name="payload">The bytes.</param>
    public void Accept(in BulkHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Kind != BulkKind.Rows || header.RunId != runId)
        {
            return;
        }

        // Held while writing, so that nobody closes the file meanwhile. All pieces come from one peer, whose frames wait for each other anyway.
        lock (gate)
        {
            if (over)
            {
                return;
            }

            try
            {
                Write(header, payload);
                if (assembly.Missing.Count == 0)
                {
                    // To hash the whole takes seconds, which the connection's other frames must not wait for.
                    over = true;
                    _ = Task.Run(Complete);
                }
            }
#pragma warning disable CA1031 // Whatever is wrong is the end of the transfer, and whoever waits for it must hear of that.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                End();
                Fail(exception);
            }
        }
    }

    /// <summary>
    /// Ends the transfer; what has come is deleted. A cache that was whole by then is not: it is still checked and put into its place, and
    /// <see cref="Completion"/> tells of it.
    /// </summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (!over)
            {
                End();
                completion.TrySetCanceled();
            }
        }
    }

    private void Write(in BulkHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Encoding != 0 || header.Count != payload.Length)
        {
            throw new DataException($"a piece of the data cache is {payload.Length} bytes in encoding {header.Encoding}, but {header.Count} bytes as they are were announced");
        }

        if (header.Offset < 0 || header.Offset > assembly.Length - payload.Length)
        {
            throw new DataException($"a piece of the data cache has {payload.Length} bytes from byte {header.Offset} on, but the cache has {assembly.Length} bytes");
        }

        assembly.Write(header.Offset, payload);
    }

    private void Complete()
    {
        try
        {
            completion.TrySetResult(assembly.Complete());
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    private void Fail(Exception exception) => completion.TrySetException(
        exception as DataException ?? new DataException($"the data cache could not be received: {exception.Message}"));

    private void End()
    {
        over = true;
        try
        {
            assembly.Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The part of a file that cannot be deleted now goes when the same cache is received the next time.
        }
    }
}
