using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using ActorMlp.Cluster.Nodes;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class SecurityTests
{
    private static readonly NodeSecurity Ours = NodeSecurity.FromSecret("the secret of this cluster, which is long");

    private static readonly NodeSecurity Theirs = NodeSecurity.FromSecret("the secret of that cluster, which is long");

    [Fact]
    public Task Strangers_to_a_secret_are_refused_and_nobody_is_disturbed() => RefuseAsync(Ours, Theirs, "does not know the cluster's secret");

    [Fact]
    public async Task Strangers_to_an_authority_are_refused_and_nobody_is_disturbed()
    {
        using var ours = new TestCertificates();
        using var theirs = new TestCertificates();
        await RefuseAsync(ours.Issue("127.0.0.1"), theirs.Issue("127.0.0.1"), "its certificate is refused");
    }

    [Fact]
    public void A_certificate_for_another_host_is_not_called()
    {
        using var ours = new TestCertificates();
        NodeSecurity elsewhere = ours.Issue("node-9.example");
        NodeSecurity here = ours.Issue("127.0.0.1");
        Assert.Equal("its certificate is not for the host that was called", here.Problem(elsewhere.Certificate, SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.Null(here.Problem(elsewhere.Certificate, SslPolicyErrors.None));
    }

    private static async Task RefuseAsync(NodeSecurity ours, NodeSecurity theirs, string reason)
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(2, ours);
        await using TestNode first = nodes[0], second = nodes[1];

        // Nodes that would join: with other credentials, and without any.
        await using TestNode stranger = await TestNode.StartAsync(theirs, first);
        await using TestNode plain = await TestNode.StartAsync(NodeSecurity.LoopbackOnly, first);

        // Both sides refuse each other. If the node is first, it may have closed the connection before the stranger has looked at its certificate; then the node says why.
        await Eventually.TrueAsync(
            () => stranger.Log.Has(LogLevel.Warning, "refused a connection", reason)
                || (stranger.Log.Has(LogLevel.Warning, "TLS handshake failed") && first.Log.Has(LogLevel.Warning, "refused a connection", reason)),
            () => $"nobody refused the stranger:\n{string.Join('\n', stranger.Log.Lines)}");
        await plain.Log.WaitForAsync(LogLevel.Warning, "Tried to associate with unreachable remote address", first.Host.Address.ToString());

        // Callers that take whoever answers, so that the node itself must refuse them.
        await RefuseTlsAsync(first, theirs);
        await RefuseTlsAsync(first, null);
        await first.Log.WaitForAsync(LogLevel.Warning, "refused a connection", reason);
        await ClosesOnAsync(first, Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: node\r\n\r\n"));
        await ClosesOnAsync(first, [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 31 >> 3))]);

        Assert.True(first.SeesAllUp(2) && second.SeesAllUp(2));
        Assert.Empty(stranger.Host.Cluster.State.Members);
        Assert.Empty(plain.Host.Cluster.State.Members);
        await first.PingAsync(second);
        await second.PingAsync(first);
    }

    private static async Task RefuseTlsAsync(TestNode node, NodeSecurity? credentials)
    {
        using TcpClient client = await ConnectAsync(node);
        await using var tls = new SslStream(client.GetStream());
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ClientCertificates = credentials is null ? null : [credentials.Certificate!],
            LocalCertificateSelectionCallback = credentials is null ? null : (_, _, _, _, _) => credentials.Certificate!,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };

        // The server's verdict may come with the handshake or after it.
        Exception? refused = await Record.ExceptionAsync(async () =>
        {
            await tls.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
            await ReadToEndAsync(tls);
        });
        Assert.True(refused is null or AuthenticationException or IOException, refused?.ToString());
    }

    private static async Task ClosesOnAsync(TestNode node, byte[] bytes)
    {
        using TcpClient client = await ConnectAsync(node);
        NetworkStream stream = client.GetStream();
        Exception? refused = await Record.ExceptionAsync(async () =>
        {
            await stream.WriteAsync(bytes, TestContext.Current.CancellationToken);
            await ReadToEndAsync(stream);
        });
        Assert.True(refused is null or IOException, refused?.ToString());
    }

    /// <summary>Returns when the other side closes; a test's time limit ends it if it does not.</summary>
    private static async Task ReadToEndAsync(Stream stream)
    {
        byte[] buffer = new byte[1024];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (await stream.ReadAsync(buffer, patience.Token) > 0)
        {
        }
    }

    private static async Task<TcpClient> ConnectAsync(TestNode node)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, node.Host.Address.Port, TestContext.Current.CancellationToken);
        return client;
    }
}
