using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;

namespace ActorMlp.Cluster.Faults;

/// <summary>
/// One direction of one connection. Chunks are read as they come and written when they are due, so any number of them may be on their way: a long delay does not
/// make a link slow.
/// </summary>
/// <param name="from">Whose bytes are read.</param>
/// <param name="to">Who gets them.</param>
/// <param name="line">The direction's line.</param>
/// <param name="back">The line of the other direction.</param>
/// <param name="schedule">When chunks arrive.</param>
/// <param name="corruption">Flips a bit.</param>
/// <param name="clock">The time.</param>
internal sealed class LinkPipe(
    Socket from, Socket to, LinkLine line, LinkLine back, LinkSchedule schedule, LinkCorruption corruption, LinkClock clock)
{
    /// <summary>What may be on its way: 1 Gbit/s for 128 ms.</summary>
    private const int MaxBytesOnTheWay = 16 << 20;

    private readonly Channel<Chunk> chunks = Channel.CreateUnbounded<Chunk>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Pipe pipe = new(new PipeOptions(
        pauseWriterThreshold: MaxBytesOnTheWay, resumeWriterThreshold: MaxBytesOnTheWay / 2, minimumSegmentSize: 64 << 10, useSynchronizationContext: false));

    private enum ChunkKind
    {
        Bytes,
        End,
        Break,
    }

    /// <summary>Carries bytes until the stream ends and its end was passed on, or it breaks.</summary>
    /// <param name="reset">Breaks the whole connection, as one end of it broke; it cancels the other pipe and this one's reading.</param>
    /// <param name="cancellation">Ends it at once.</param>
    public async Task CarryAsync(Action reset, CancellationToken cancellation)
    {
        Task reading = ReadAsync(reset, cancellation);
        if (!await WriteAsync(cancellation).ConfigureAwait(false))
        {
            reset();
        }

        await reading.ConfigureAwait(false);
        await pipe.Writer.CompleteAsync().ConfigureAwait(false);
        await pipe.Reader.CompleteAsync().ConfigureAwait(false);
    }

    private async Task ReadAsync(Action reset, CancellationToken cancellation)
    {
        ChunkKind kind;
        try
        {
            do
            {
                await clock.UntilAsync(line.RoomAt, cancellation).ConfigureAwait(false);
                int most = line.ChunkBytes;
                Memory<byte> memory = pipe.Writer.GetMemory(most)[..most];
                int read = await from.ReceiveAsync(memory, cancellation).ConfigureAwait(false);
                kind = read > 0 ? ChunkKind.Bytes : ChunkKind.End;
                if (read > 0 && schedule.Breaks(line.Conditions))
                {
                    line.Break(clock.Now);
                    reset();
                    return;
                }

                Pass(kind, memory.Span[..read]);
                await pipe.Writer.FlushAsync(cancellation).ConfigureAwait(false);
            }
            while (kind == ChunkKind.Bytes);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Pass(ChunkKind.Break, []);
        }
        catch (OperationCanceledException)
        {
            // Whoever writes is cancelled too.
        }
    }

    private void Pass(ChunkKind kind, Span<byte> bytes)
    {
        TimeSpan sent = line.Send(clock.Now, bytes.Length);
        LinkConditions conditions = line.Conditions;
        long lostBefore = schedule.SegmentsLost;
        TimeSpan arrival = schedule.Arrival(sent, bytes.Length, conditions, conditions.Delay + back.Conditions.Delay);
        line.Lost(schedule.SegmentsLost - lostBefore);
        if (bytes.Length > 0)
        {
            corruption.Pass(bytes, line.Direction);
            pipe.Writer.Advance(bytes.Length);
        }

        chunks.Writer.TryWrite(new Chunk(kind, bytes.Length, arrival));
    }

    /// <returns>Whether it ended in order; else the connection broke, or was cancelled.</returns>
    private async Task<bool> WriteAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                Chunk chunk = await chunks.Reader.ReadAsync(cancellation).ConfigureAwait(false);
                await clock.UntilAsync(chunk.Arrival, cancellation).ConfigureAwait(false);
                await line.Open.WaitAsync(cancellation).ConfigureAwait(false);
                switch (chunk.Kind)
                {
                    case ChunkKind.Bytes:
                        await DeliverAsync(chunk.Length, cancellation).ConfigureAwait(false);
                        break;
                    case ChunkKind.End:
                        to.Shutdown(SocketShutdown.Send);
                        return true;
                    default:
                        return false;
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    private async ValueTask DeliverAsync(int length, CancellationToken cancellation)
    {
        ReadResult result = await pipe.Reader.ReadAtLeastAsync(length, cancellation).ConfigureAwait(false);
        ReadOnlySequence<byte> bytes = result.Buffer.Slice(0, length);
        foreach (ReadOnlyMemory<byte> part in bytes)
        {
            for (int sent = 0; sent < part.Length;)
            {
                sent += await to.SendAsync(part[sent..], cancellation).ConfigureAwait(false);
            }
        }

        line.Carried(length);
        pipe.Reader.AdvanceTo(bytes.End);
    }

    /// <summary>Something on its way.</summary>
    /// <param name="Kind">What it is.</param>
    /// <param name="Length">Its bytes.</param>
    /// <param name="Arrival">When it arrives.</param>
    private readonly record struct Chunk(ChunkKind Kind, int Length, TimeSpan Arrival);
}
