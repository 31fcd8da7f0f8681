using System.Net;

namespace ActorMlp.Cluster.Bulk.Transports;

/// <summary>
/// A connected byte stream, with one reading and one writing thread, which it blocks. Blocking calls are the point: measured on 2 cores with frames of 256 kB,
/// asynchronous ones took 1.5 to 2.2 times the CPU of a bare loop, in changes of threads and in pool threads that spin.
/// </summary>
internal abstract class BulkTransport : IDisposable
{
    /// <summary>The other end.</summary>
    public abstract EndPoint? RemoteAddress { get; }

    /// <summary>Waits a short while for bytes to come, where that can be told.</summary>
    /// <returns>Whether there are any for sure.</returns>
    public abstract bool AwaitInput();

    /// <summary>Whether a few hundred bytes can be written without waiting for the peer to read.</summary>
    public abstract bool HasRoom { get; }

    /// <summary>So many bytes are sure to come: reads may wait until there are as many, or fewer asked for, instead of waking for every packet.</summary>
    public abstract void Expect(int bytes);

    /// <summary>Reads at least one byte; 0 at the end of the stream.</summary>
    public abstract int Receive(Span<byte> into);

    /// <summary>Writes all bytes.</summary>
    public abstract void Send(ReadOnlySpan<byte> bytes);

    /// <summary>While held, what is written may wait for more, so that a head travels with its payload; released, all of it goes.</summary>
    public abstract void Hold(bool on);

    /// <summary>Ends the stream towards the peer; what it still sends can be read.</summary>
    public abstract void End();

    /// <summary>Closes the connection; a read or write that waits fails.</summary>
    public abstract void Dispose();

    /// <summary>Fills <paramref name="into"/>.</summary>
    /// <exception cref="EndOfStreamException">The stream ended before.</exception>
    public void ReceiveExactly(Span<byte> into)
    {
        while (into.Length > 0)
        {
            int read = Receive(into);
            if (read == 0)
            {
                throw new EndOfStreamException("the peer closed the connection");
            }

            into = into[read..];
        }
    }
}
