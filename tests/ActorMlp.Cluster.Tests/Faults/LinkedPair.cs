using System.Net;
using System.Net.Sockets;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Tests.Bulk;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Tests.Faults;

/// <summary>A client and a server with a link between them.</summary>
internal sealed class LinkedPair : IAsyncDisposable
{
    private readonly Socket listener;

    private readonly LinkedProxy proxy;

    private LinkedPair(Socket listener, LinkedProxy proxy)
    {
        this.listener = listener;
        this.proxy = proxy;
        Client = Dial(Address);
    }

    public Link Link => proxy.Link;

    public IPEndPoint Address => proxy.Address;

    public Socket Client { get; }

    public Socket Server { get; private set; } = null!;

    public static async Task<LinkedPair> CreateAsync(LinkConditions? conditions = null, ulong seed = 1)
    {
        Socket listener = Listen();
        var pair = new LinkedPair(listener, StartLink((IPEndPoint)listener.LocalEndPoint!, conditions, seed));
        pair.Server = await pair.AcceptAsync();
        return pair;
    }

    public static LinkedProxy StartLink(IPEndPoint? target, LinkConditions? conditions = null, ulong seed = 1, ILogger? log = null) => new(
        new Link(seed, conditions ?? new LinkConditions(), TimeProvider.System, log ?? NullLogger.Instance),
        new LinkProxyOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Target = target },
        log ?? NullLogger.Instance);

    public static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    public static Socket Dial(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(address);
        return socket;
    }

    /// <summary>Whether a connection waits at the server.</summary>
    public bool SomebodyKnocks => listener.Poll(0, SelectMode.SelectRead);

    public Task<Socket> AcceptAsync() => listener.AcceptAsync().WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);

    public static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, TestContext.Current.CancellationToken)..];
        }
    }

    /// <summary>Reads so many bytes.</summary>
    public static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int filled = 0; filled < count;)
        {
            int read = await socket.ReceiveAsync(bytes.AsMemory(filled), TestContext.Current.CancellationToken).AsTask().WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
            Assert.NotEqual(0, read);
            filled += read;
        }

        return bytes;
    }

    /// <summary>Whether the stream ends here, in order.</summary>
    public static async Task<bool> EndsAsync(Socket socket) =>
        await socket.ReceiveAsync(new byte[1], SocketFlags.None).WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken) == 0;

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        Client.Dispose();
        Server.Dispose();
        listener.Dispose();
    }
}

/// <summary>A link with a proxy of its own.</summary>
internal sealed class LinkedProxy(Link link, LinkProxyOptions options, ILogger log) : IAsyncDisposable
{
    private readonly LinkProxy proxy = LinkProxy.Start(options, link, log);

    public Link Link => link;

    public IPEndPoint Address => proxy.Address;

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        await link.DisposeAsync();
    }
}
