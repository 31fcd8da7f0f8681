using System.Net;

namespace ActorMlp.Cluster.Bulk.Transports;

/// <summary>A connected byte stream: one reader and one writer at a time, each on its own.</summary>
internal abstract class BulkTransport : IDisposable
{
    /// <summary>The other end.</summary>
    public abstract EndPoint? RemoteAddress { get; }

    /// <summary>Reads at least one byte; 0 at the end of the stream.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> into);

    /// <summary>Writes all bytes.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>While held, what is written may wait for more, so that a head travels with its payload; released, all of it goes.</summary>
    public abstract void Hold(bool on);

    /// <summary>Ends the stream towards the peer; what it still sends can be read.</summary>
    public abstract ValueTask EndAsync();

    /// <summary>Closes the connection; reads and writes that wait fail.</summary>
    public abstract void Dispose();

    /// <summary>Fills <paramref name="into"/>.</summary>
    /// <exception cref="EndOfStreamException">The stream ended before.</exception>
    public async ValueTask ReceiveExactlyAsync(Memory<byte> into)
    {
        while (into.Length > 0)
        {
            int read = await ReceiveAsync(into).ConfigureAwait(false);
            if (read == 0)
            {
                throw new EndOfStreamException("the peer closed the connection");
            }

            into = into[read..];
        }
    }
}
