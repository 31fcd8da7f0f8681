using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Engine.Random;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Tests.Bulk;

/// <summary>An endpoint that remembers what it received, of whom it heard, and what it logged.</summary>
internal sealed class BulkNode : IBulkSink, IBulkObserver, ILogger, IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<Arrival> arrivals = Channel.CreateUnbounded<Arrival>();
    private readonly Channel<PeerEvent> events = Channel.CreateUnbounded<PeerEvent>();
    private readonly ConcurrentQueue<string> log = [];
    private readonly ConcurrentQueue<BulkBuffer> held = [];

    public BulkNode(string id, Func<BulkOptions, BulkOptions>? change = null)
    {
        var options = new BulkOptions
        {
            NodeId = id,
            Security = BulkSecurity.None,
            ReconnectDelay = TimeSpan.FromMilliseconds(5),
            MaxReconnectDelay = TimeSpan.FromMilliseconds(100),

            // Never, unless a test is about it: a wake-up that is forgotten must not be made good by a sign of life.
            HeartbeatInterval = TimeSpan.FromHours(1),
        };
        Endpoint = BulkEndpoint.Start(change is null ? options : change(options), new IPEndPoint(IPAddress.Loopback, 0), this, this, TimeProvider.System, this);
        Id = id;
    }

    public string Id { get; }

    public BulkEndpoint Endpoint { get; }

    /// <summary>Whether buffers that arrive are kept, and their credit with them.</summary>
    public bool Holds { get; set; }

    /// <summary>Thrown at the frame with this step.</summary>
    public long? ThrowsAtStep { get; set; }

    public int HeldCount => held.Count;

    public IReadOnlyList<string> Log => [.. log];

    public static byte[] Payload(int length, int seed)
    {
        var random = new CounterRandom((ulong)seed, RandomPurpose.Shuffle);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i += sizeof(uint))
        {
            uint bits = random.Bits(0, 0, (uint)i);
            for (int k = 0; k < sizeof(uint) && i + k < length; k++)
            {
                bytes[i + k] = (byte)(bits >> (8 * k));
            }
        }

        return bytes;
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            Assert.False(patience.IsCancellationRequested, $"in vain: {what}");
            await Task.Delay(2, CancellationToken.None);
        }
    }

    public void Connect(BulkNode other, IPEndPoint? address = null) => Endpoint.Connect(other.Id, address ?? other.Endpoint.Address);

    public ValueTask<BulkDelivery> Send(BulkNode to, long step, ReadOnlyMemory<byte> payload, BulkKind kind = BulkKind.Gradient) =>
        Endpoint.Send(to.Id, new BulkHeader { RunId = 7, Step = step, Kind = kind, Count = payload.Length / sizeof(float) }, payload);

    public Task<Arrival> NextAsync() => ReadAsync(arrivals, "frame");

    public Task<PeerEvent> NextEventAsync() => ReadAsync(events, "event");

    public async Task<PeerEvent> EventAsync(Func<PeerEvent, bool> wanted)
    {
        while (true)
        {
            PeerEvent next = await NextEventAsync();
            if (wanted(next))
            {
                return next;
            }
        }
    }

    public bool NothingArrived => !arrivals.Reader.TryPeek(out _);

    public BulkTraffic TrafficWith(BulkNode other) => Endpoint.Traffic.Single(traffic => traffic.NodeId == other.Id);

    public void ReleaseOne()
    {
        if (held.TryDequeue(out BulkBuffer? buffer))
        {
            buffer.Dispose();
        }
    }

    public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload)
    {
        if (header.Step == ThrowsAtStep)
        {
            throw new InvalidOperationException("planted");
        }

        arrivals.Writer.TryWrite(new Arrival(from, header, payload.Span.ToArray()));
        if (Holds)
        {
            held.Enqueue(payload);
        }
        else
        {
            payload.Dispose();
        }
    }

    public void Connected(BulkPeer peer) => events.Writer.TryWrite(new PeerEvent(peer, null, false));

    public void Lost(BulkPeer peer, string reason, bool final) => events.Writer.TryWrite(new PeerEvent(peer, reason, final));

    private async Task<T> ReadAsync<T>(Channel<T> channel, string what)
    {
        try
        {
            return await channel.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"no {what} came to {Id}: {string.Join("\n", Endpoint.Traffic)}\n{string.Join("\n", Log)}");
        }
    }

    public ValueTask DisposeAsync() => Endpoint.DisposeAsync();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        log.Enqueue(formatter(state, exception));
}

/// <summary>A frame that arrived.</summary>
internal sealed record Arrival(BulkPeer From, BulkHeader Header, byte[] Payload);

/// <summary>A peer that came (no reason) or went.</summary>
internal sealed record PeerEvent(BulkPeer Peer, string? Reason, bool Final)
{
    public bool IsConnected => Reason is null;
}
