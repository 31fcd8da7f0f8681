using System.Buffers;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Data;
using ActorMlp.Data.Cache;

namespace ActorMlp.Cluster.DataTransfer;

/// <summary>
/// Gives a data cache away in pieces, as frames of <see cref="BulkKind.Rows"/>, to nodes that lack it; see <see cref="DataReceiver"/> for the other end.
/// Any number of nodes may be served at the same time.
/// </summary>
/// <remarks>
/// In a frame of this kind <see cref="BulkHeader.Offset"/> and <see cref="BulkHeader.Count"/> are in bytes of the file. Frames of gradients and weights
/// overtake those that wait, and few are on their way at a time, so a run that trains meanwhile waits for no more than the frame that is being sent.
/// </remarks>
public sealed class DataSender
{
    /// <summary>Bytes of a piece: large enough for the speed of the bulk plane, and small enough to be overtaken soon.</summary>
    public const int DefaultPieceBytes = 1 << 20;

    /// <summary>Pieces that may be on their way to a node at the same time.</summary>
    public const int MaxInFlight = 8;

    private readonly DataCacheFile file;
    private readonly SendBulkFrame send;
    private readonly int pieceBytes;

    /// <summary>A giver of one cache.</summary>
    /// <param name="file">The cache; it stays open as long as something is sent.</param>
    /// <param name="send">Sends a frame.</param>
    /// <param name="pieceBytes">Most bytes of a piece; a frame is somewhat larger, and must be allowed (<see cref="BulkOptions.MaxFrameBytes"/>).</param>
    public DataSender(DataCacheFile file, SendBulkFrame send, int pieceBytes = DefaultPieceBytes)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(send);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pieceBytes);
        this.file = file;
        this.send = send;
        this.pieceBytes = pieceBytes;
    }

    /// <summary>Sends the ranges that a node lacks. Nothing is done on the caller's thread.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="runId">The run, for <see cref="BulkHeader.RunId"/>.</param>
    /// <param name="missing">What the node lacks; see <see cref="DataReceiver.Missing"/>.</param>
    /// <param name="cancellation">
    /// Stops at once. A broken connection is no failure, pieces wait for the next one; so whoever knows that a node is gone must cancel, or end the
    /// session (<see cref="BulkEndpoint.DisconnectAsync"/>).
    /// Pieces that were handed over by then may still be sent.
    /// </param>
    /// <returns>Done when the node has all of it.</returns>
    /// <exception cref="BulkException">The node ended the session, restarted, or was never connected with; the message says how much it has got.</exception>
    /// <exception cref="DataException">A range is not in the cache, or the cache cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task SendAsync(string nodeId, ulong runId, IReadOnlyList<ByteRange> missing, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(nodeId);
        ArgumentNullException.ThrowIfNull(missing);
        return Task.Run(() => SendPiecesAsync(nodeId, runId, missing, cancellation), cancellation);
    }

    private async Task SendPiecesAsync(string nodeId, ulong runId, IReadOnlyList<ByteRange> missing, CancellationToken cancellation)
    {
        Check(nodeId, missing);
        var inFlight = new Queue<Task<int>>(MaxInFlight);
        long delivered = 0;
        async Task AwaitOldestAsync()
        {
            // It leaves the queue only when it is done, so that one that is given up is not forgotten below.
            delivered += await inFlight.Peek().WaitAsync(cancellation).ConfigureAwait(false);
            _ = inFlight.Dequeue();
        }

        try
        {
            foreach (ByteRange piece in Cut(missing))
            {
                if (inFlight.Count == MaxInFlight)
                {
                    await AwaitOldestAsync().ConfigureAwait(false);
                }

                cancellation.ThrowIfCancellationRequested();
                inFlight.Enqueue(SendPieceAsync(nodeId, runId, piece));
            }

            while (inFlight.Count > 0)
            {
                await AwaitOldestAsync().ConfigureAwait(false);
            }
        }
        catch (BulkException exception)
        {
            throw new BulkException(
                $"the data cache {file.Sha256} was not sent whole to {nodeId}: {exception.Message} ({delivered} of {missing.Sum(range => range.Length)} bytes are known to have arrived)",
                exception);
        }
        finally
        {
            foreach (Task<int> abandoned in inFlight)
            {
                _ = ForgetAsync(abandoned);
            }
        }
    }

    private async Task<int> SendPieceAsync(string nodeId, ulong runId, ByteRange piece)
    {
        // The endpoint sends from the buffer, whether somebody still waits for that or not: the frame's end gives it back, and nothing before.
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)piece.Length);
        try
        {
            Memory<byte> bytes = buffer.AsMemory(0, (int)piece.Length);
            file.Read(piece.Offset, bytes.Span);
            var header = new BulkHeader { Kind = BulkKind.Rows, RunId = runId, Offset = piece.Offset, Count = bytes.Length };
            return await send(nodeId, header, bytes).ConfigureAwait(false) == BulkDelivery.Acknowledged
                ? bytes.Length
                : throw new BulkException($"its piece at byte {piece.Offset} was dropped");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Awaits what nobody else will, so that its failure is not reported as one that nobody saw.</summary>
    private static async Task ForgetAsync(Task abandoned) => await abandoned.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Check(string nodeId, IReadOnlyList<ByteRange> missing)
    {
        foreach (ByteRange range in missing)
        {
            if (range.Offset < 0 || range.Length < 0 || range.Length > file.Length - range.Offset)
            {
                throw new DataException($"{nodeId} asks for {range.Length} bytes from byte {range.Offset} on of the data cache {file.Sha256}, which has {file.Length} bytes");
            }
        }
    }

    private IEnumerable<ByteRange> Cut(IReadOnlyList<ByteRange> ranges)
    {
        foreach (ByteRange range in ranges)
        {
            for (long offset = range.Offset; offset < range.End; offset += pieceBytes)
            {
                yield return new ByteRange(offset, Math.Min(pieceBytes, range.End - offset));
            }
        }
    }
}
