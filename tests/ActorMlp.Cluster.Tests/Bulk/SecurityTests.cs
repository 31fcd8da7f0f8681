using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class SecurityTests : IDisposable
{
    private readonly Certificates authority = new("the right authority");
    private readonly Certificates strangers = new("another authority");

    public static TheoryData<string> AllKinds => ["none", "shared secret", "mutual TLS"];

    public void Dispose()
    {
        authority.Dispose();
        strangers.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task Members_exchange_frames(string kind)
    {
        await using var a = new BulkNode("a", With(kind, "a"));
        await using var b = new BulkNode("b", With(kind, "b"));
        a.Connect(b);
        b.Connect(a);
        await ExchangeAsync(a, b, 20);

        // Both dialled; however that began, one connection is left, and it stays.
        int connections = a.TrafficWith(b).Connections;
        await ExchangeAsync(a, b, 20);
        Assert.Equal(connections, a.TrafficWith(b).Connections);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task Stranger_is_closed_and_logged_once_and_members_are_undisturbed(string kind)
    {
        await using var a = new BulkNode("a", With(kind, "a"));
        await using var b = new BulkNode("b", With(kind, "b"));
        a.Connect(b);
        await ExchangeAsync(a, b, 1);
        byte[] noise = BulkNode.Payload(5000, 99);
        byte[] huge = [0x41, 0x4D, 0x4C, 0x48, 1, 1, 0xFF, 0xFF];
        byte[][] openings = [Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: b\r\n\r\n"), noise, huge, [.. huge[..6], 0, 0], [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]];
        foreach (byte[] opening in openings)
        {
            int before = Closed(b).Count;
            EndPoint local = await KnockAsync(b, opening);
            await BulkNode.UntilAsync(() => Closed(b).Count > before, "the stranger is logged");
            Assert.Contains($"{local}", Assert.Single(Closed(b).Skip(before)), StringComparison.Ordinal);
            await ExchangeAsync(a, b, 1);
        }

        Assert.Equal(openings.Length, Closed(b).Count);
        Assert.Equal(1, b.TrafficWith(a).Connections);
        Assert.DoesNotContain(b.Log, line => line.Contains("lost", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task Silence_is_closed_when_its_time_is_up(string kind)
    {
        await using var b = new BulkNode("b", options => With(kind, "b")(options) with { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        await KnockAsync(b, []);
        await BulkNode.UntilAsync(() => Closed(b).Count == 1, "the silent one is logged");
        Assert.Contains("the handshake took longer than 0.3 s", Closed(b)[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_secret_is_refused_at_both_ends()
    {
        await using var a = new BulkNode("a", options => options with { Security = new BulkSecurity.SharedSecret("not the same secret"u8.ToArray()) });
        await using var b = new BulkNode("b", With("shared secret", "b"));
        a.Connect(b);
        await BulkNode.UntilAsync(() => Closed(b).Count > 0 && a.Log.Any(line => line.Contains("cannot reach b", StringComparison.Ordinal)), "both have logged it");
        Assert.Contains("its proof of the shared secret is wrong", Closed(b)[0], StringComparison.Ordinal);
        Assert.Empty(b.Endpoint.Traffic);
        Assert.DoesNotContain(a.Endpoint.Traffic, traffic => traffic.Connections > 0);
    }

    [Fact]
    public async Task Proof_that_is_sent_back_to_its_maker_proves_nothing()
    {
        // Somebody who does not know the secret says to b all that b says to him, in b's name and in another.
        await using var b = new BulkNode("b", With("shared secret", "b"));
        foreach (string name in new[] { "b", "c" })
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(b.Endpoint.Address, TestContext.Current.CancellationToken);
            byte[] opening = [0x41, 0x4D, 0x4C, 0x48, 1, 1, 33, 0, .. RandomNumberGenerator.GetBytes(32), (byte)name[0]];
            await socket.SendAsync(opening, TestContext.Current.CancellationToken);
            byte[] answer = new byte[8 + 33];
            await ReadAsync(socket, answer);
            byte[] proof = [0x41, 0x4D, 0x4C, 0x48, 1, 2, 32, 0, .. HMACSHA256.HashData(answer[8..40], opening)];
            await socket.SendAsync(proof, TestContext.Current.CancellationToken);
            Assert.Equal(0, await ReadAsync(socket, new byte[1]));
        }

        Assert.Equal(2, Closed(b).Count);
        Assert.Empty(b.Endpoint.Traffic);
    }

    [Fact]
    public async Task Certificate_of_another_authority_is_refused_whoever_shows_it()
    {
        var stranger = new BulkSecurity.MutualTls(strangers.Issue("a"), authority.Roots);
        await using var b = new BulkNode("b", With("mutual TLS", "b"));
        await using (var a = new BulkNode("a", options => options with { Security = stranger }))
        {
            a.Connect(b);
            await BulkNode.UntilAsync(() => Closed(b).Count > 0, "the stranger dialled");
            Assert.Contains("the certificate \"CN=a\" is not trusted", Closed(b)[0], StringComparison.Ordinal);
        }

        await using var c = new BulkNode("c", options => options with { Security = new BulkSecurity.MutualTls(strangers.Issue("c"), authority.Roots) });
        b.Connect(c);
        await BulkNode.UntilAsync(() => b.Log.Any(line => line.Contains("cannot reach c", StringComparison.Ordinal)), "the stranger was dialled");
        Assert.Contains(b.Log, line => line.Contains("the certificate \"CN=c\" is not trusted", StringComparison.Ordinal));
        Assert.All(b.Endpoint.Traffic, traffic => Assert.Equal(0, traffic.Connections));
    }

    [Fact]
    public async Task Client_without_a_certificate_is_refused()
    {
        await using var b = new BulkNode("b", With("mutual TLS", "b"));
        using var client = new TcpClient();
        await client.ConnectAsync(b.Endpoint.Address, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "b", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=b" },
                TestContext.Current.CancellationToken);
            Assert.Equal(0, await tls.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }
        catch (IOException)
        {
            // Depending on the version of TLS, the refusal is seen here or there.
        }

        await BulkNode.UntilAsync(() => Closed(b).Count == 1, "it is logged");
        Assert.Contains("the peer shows no certificate", Closed(b)[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", "shared secret")]
    [InlineData("shared secret", "none")]
    [InlineData("none", "mutual TLS")]
    [InlineData("mutual TLS", "none")]
    [InlineData("shared secret", "mutual TLS")]
    [InlineData("mutual TLS", "shared secret")]
    public async Task Nodes_with_different_security_never_connect(string one, string other)
    {
        await using var a = new BulkNode("a", options => With(one, "a")(options) with { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        await using var b = new BulkNode("b", options => With(other, "b")(options) with { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        a.Connect(b);
        await BulkNode.UntilAsync(() => Closed(b).Count > 0 && a.Log.Any(line => line.Contains("cannot reach b", StringComparison.Ordinal)), "both have logged it");
        Assert.All(a.Endpoint.Traffic.Concat(b.Endpoint.Traffic), traffic => Assert.Equal(0, traffic.Connections));
    }

    [Fact]
    public async Task Connections_in_their_handshake_are_limited()
    {
        await using var b = new BulkNode("b", options => options with { MaxPendingHandshakes = 3 });
        Socket[] silent = [.. Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        foreach (Socket socket in silent)
        {
            await socket.ConnectAsync(b.Endpoint.Address, TestContext.Current.CancellationToken);
        }

        await BulkNode.UntilAsync(() => Closed(b).Count == 5, "five are too many");
        Assert.All(Closed(b), line => Assert.Contains("3 others are in their handshake", line, StringComparison.Ordinal));
        foreach (Socket socket in silent)
        {
            socket.Dispose();
        }

        // Those who hang up make room.
        await BulkNode.UntilAsync(() => Closed(b).Count == 8, "the others have gone");
        await using var a = new BulkNode("a");
        a.Connect(b);
        await ExchangeAsync(a, b, 1);
    }

    [Fact]
    public void Options_report_all_problems_at_once()
    {
        var options = new BulkOptions
        {
            NodeId = "",
            Security = new BulkSecurity.SharedSecret(new byte[5]),
            WindowBytes = 1000,
            QueueLimit = 0,
        };
        ArgumentException failure = Assert.Throws<ArgumentException>(() =>
            BulkEndpoint.Start(options, new IPEndPoint(IPAddress.Loopback, 0), null!, null!, TimeProvider.System, null!));
        foreach (string part in new[] { "NodeId", "WindowBytes", "QueueLimit", "16 bytes" })
        {
            Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        }
    }

    private static List<string> Closed(BulkNode node) => [.. node.Log.Where(line => line.Contains("closed a connection from", StringComparison.Ordinal))];

    private static async Task ExchangeAsync(BulkNode a, BulkNode b, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            byte[] payload = BulkNode.Payload(100_000 + i, i);
            ValueTask<BulkDelivery> there = a.Send(b, i, payload);
            Assert.Equal(payload, (await b.NextAsync()).Payload);
            Assert.Equal(BulkDelivery.Acknowledged, await there);
            ValueTask<BulkDelivery> back = b.Send(a, i, payload);
            Assert.Equal(payload, (await a.NextAsync()).Payload);
            Assert.Equal(BulkDelivery.Acknowledged, await back);
        }
    }

    private static async Task<EndPoint> KnockAsync(BulkNode node, byte[] opening)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(node.Endpoint.Address, TestContext.Current.CancellationToken);
        EndPoint local = socket.LocalEndPoint!;
        await socket.SendAsync(opening, TestContext.Current.CancellationToken);

        // Whatever it says, in the end it closes.
        byte[] answer = new byte[4096];
        await ReadAsync(socket, answer);
        return local;
    }

    private static async Task<int> ReadAsync(Socket socket, byte[] into)
    {
        int filled = 0;
        try
        {
            while (filled < into.Length)
            {
                int read = await socket.ReceiveAsync(into.AsMemory(filled), TestContext.Current.CancellationToken).AsTask().WaitAsync(BulkNode.Patience);
                if (read == 0)
                {
                    break;
                }

                filled += read;
            }
        }
        catch (SocketException)
        {
            // Closed with what this side sent unread.
        }

        return filled;
    }

    private Func<BulkOptions, BulkOptions> With(string kind, string name) => options => options with
    {
        Security = kind switch
        {
            "none" => BulkSecurity.None,
            "shared secret" => new BulkSecurity.SharedSecret("a secret among nodes"u8.ToArray()),
            _ => authority.Tls(name),
        },
    };
}
