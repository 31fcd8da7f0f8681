using System.Net;
using System.Threading.Channels;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Data.Cache;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.DataTransfer;

/// <summary>A node without data: its endpoint's sink gives rows to a receiver on the connection's thread, and keeps other frames.</summary>
internal sealed class ReceivingNode : IBulkSink, IBulkObserver, IAsyncDisposable
{
    public const ulong RunId = 7;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("actormlp-taker-");
    private readonly Channel<Arrival> others = Channel.CreateUnbounded<Arrival>();
    private volatile DataReceiver? receiver;

    public ReceivingNode(DataCacheFile promised, string id = "taker")
    {
        Id = id;
        Begin(promised);
        var options = new BulkOptions
        {
            NodeId = id,
            Security = BulkSecurity.None,
            ReconnectDelay = TimeSpan.FromMilliseconds(5),
            MaxReconnectDelay = TimeSpan.FromMilliseconds(100),
            HeartbeatInterval = TimeSpan.FromHours(1),
        };
        Endpoint = BulkEndpoint.Start(options, new IPEndPoint(IPAddress.Loopback, 0), this, this, TimeProvider.System, NullLogger.Instance);
    }

    public string Id { get; }

    public BulkEndpoint Endpoint { get; }

    public DataReceiver Receiver => receiver!;

    /// <summary>Where the cache comes.</summary>
    public string Caches => Path.Combine(folder.FullName, "caches");

    /// <summary>What is there.</summary>
    public string[] Files => [.. Directory.GetFiles(Caches).Select(path => Path.GetFileName(path)).Order()];

    /// <summary>Whether payloads are kept, so that their sender runs out of credit; rows do not reach the receiver then.</summary>
    public bool Holds { get; set; }

    /// <summary>Begins to take a cache, from nothing.</summary>
    public void Begin(DataCacheFile promised)
    {
        receiver?.Dispose();
        receiver = new DataReceiver(new DataCacheAssembly(Caches, promised.Length, promised.Sha256), RunId);
    }

    public Task<string> CompletionAsync() => Receiver.Completion.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);

    /// <summary>The next frame that is no rows.</summary>
    public Task<Arrival> NextAsync() => others.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);

    public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload)
    {
        if (Holds)
        {
            return;
        }

        using (payload)
        {
            if (header.Kind == BulkKind.Rows)
            {
                receiver!.Accept(header, payload.Span);
            }
            else
            {
                others.Writer.TryWrite(new Arrival(from, header, payload.Span.ToArray()));
            }
        }
    }

    public void Connected(BulkPeer peer)
    {
    }

    public void Lost(BulkPeer peer, string reason, bool final)
    {
    }

    public async ValueTask DisposeAsync()
    {
        await Endpoint.DisposeAsync();
        Receiver.Dispose();
        folder.Delete(recursive: true);
    }
}
