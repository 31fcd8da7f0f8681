using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class CredentialTests
{
    private const string Secret = "0123456789abcdef0123456789abcdef";

    [Fact]
    public void One_secret_gives_one_key_and_another_gives_another()
    {
        NodeSecurity first = NodeSecurity.FromSecret(Secret), second = NodeSecurity.FromSecret(Secret), other = NodeSecurity.FromSecret(Secret + "!");
        Assert.Null(first.Problem(second.Certificate, SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.Equal("it does not know the cluster's secret", first.Problem(other.Certificate, SslPolicyErrors.None));
        Assert.Equal("it shows no certificate", first.Problem(null, SslPolicyErrors.RemoteCertificateNotAvailable));

        // Every release must derive the same key; computed by another program.
        Assert.Equal(
            "abd02ef2c0bdc852ce9567635c9a6eaf54d6526f5d0e125e6c575815c4dc6411",
            Convert.ToHexStringLower(SHA256.HashData(first.Certificate!.PublicKey.ExportSubjectPublicKeyInfo())));
    }

    [Fact]
    public void A_short_secret_is_refused()
    {
        NodeException error = Assert.Throws<NodeException>(() => NodeSecurity.FromSecret(Secret[1..]));
        Assert.Contains("at least 32 characters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Issued_certificates_chain_to_their_authority_and_serve_both_sides()
    {
        using var certificates = new TestCertificates();
        using X509Certificate2 node = certificates.IssueCertificate("node-1", "10.0.0.5");
        using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(certificates.At("ca.pem"));
        foreach (string usage in new[] { "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2" })
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(authority);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid(usage));
            Assert.True(chain.Build(node), string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation)));
        }

        Assert.True(node.MatchesHostname("node-1") && node.MatchesHostname("10.0.0.5") && !node.MatchesHostname("node-2"));
        Assert.Equal("1.2.840.10045.2.1", node.PublicKey.Oid.Value);
    }

    [Fact]
    public void Certificates_of_another_authority_or_past_their_time_are_refused()
    {
        using var ours = new TestCertificates();
        using var theirs = new TestCertificates();
        NodeSecurity here = ours.Issue("node-1");
        using X509Certificate2 peer = ours.IssueCertificate("node-2"), stranger = theirs.IssueCertificate("node-2");
        using X509Certificate2 old = ours.IssueCertificate(TimeSpan.FromMinutes(-1), "node-2");
        Assert.Null(here.Problem(peer, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.NotNull(here.Problem(stranger, SslPolicyErrors.None));
        Assert.NotNull(here.Problem(old, SslPolicyErrors.None));
        Assert.NotNull(here.Problem(NodeSecurity.FromSecret(Secret).Certificate, SslPolicyErrors.None));
    }

    [Fact]
    public void Certificates_are_read_from_pem_and_files_that_do_not_fit_are_named()
    {
        using var ours = new TestCertificates();
        using var theirs = new TestCertificates();
        using (X509Certificate2 certificate = ours.IssueCertificate("node-1"))
        {
            File.WriteAllText(ours.At("node.pem"), certificate.ExportCertificatePem());
            using ECDsa key = certificate.GetECDsaPrivateKey()!;
            File.WriteAllText(ours.At("node-key.pem"), key.ExportPkcs8PrivateKeyPem());
        }

        NodeSecurity security = NodeSecurity.FromCertificates(ours.At("node.pem"), ours.At("node-key.pem"), ours.At("ca.pem"));
        Assert.True(security.Certificate!.HasPrivateKey);
        foreach ((string file, string key, string authority, string named) in new[]
        {
            (ours.At("none.pem"), ours.At("node-key.pem"), ours.At("ca.pem"), "none.pem"),
            (ours.At("node.pem"), ours.At("ca.pem"), ours.At("ca.pem"), "node.pem"),
            (ours.At("node.pem"), ours.At("node-key.pem"), theirs.At("ca.pem"), "its certificate is refused"),
            (ours.At("node.pem"), ours.At("node-key.pem"), theirs.At("none.pem"), "none.pem"),
        })
        {
            NodeException error = Assert.Throws<NodeException>(() => NodeSecurity.FromCertificates(file, key, authority));
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Streams_of_other_planes_prove_both_sides_with_the_same_credentials()
    {
        NodeSecurity secret = NodeSecurity.FromSecret(Secret), stranger = NodeSecurity.FromSecret(Secret + "?");
        using var certificates = new TestCertificates();
        NodeSecurity member = certificates.Issue("localhost");
        await AssertHandshakeAsync(secret, secret, accepted: true);
        await AssertHandshakeAsync(member, member, accepted: true);
        await AssertHandshakeAsync(secret, stranger, accepted: false);
        await AssertHandshakeAsync(member, stranger, accepted: false);
        Assert.Null(NodeSecurity.LoopbackOnly.ServerOptions);
        Assert.Null(NodeSecurity.LoopbackOnly.ClientOptions("localhost"));
    }

    private static async Task AssertHandshakeAsync(NodeSecurity server, NodeSecurity client, bool accepted)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var call = new TcpClient();
        await call.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using TcpClient answer = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var calling = new SslStream(call.GetStream());
        await using var answering = new SslStream(answer.GetStream());
        Task<Exception?> answered = Record.ExceptionAsync(
            () => answering.AuthenticateAsServerAsync(server.ServerOptions!, TestContext.Current.CancellationToken)).AsTask();

        // This caller takes any server, so that the server alone decides.
        SslClientAuthenticationOptions options = client.ClientOptions("localhost")!;
        options.RemoteCertificateValidationCallback = accepted ? options.RemoteCertificateValidationCallback : (_, peer, _, _) => peer is not null;
        Exception? called = await Record.ExceptionAsync(() => calling.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken));
        if (accepted)
        {
            Assert.Null(called);
            Assert.Null(await answered);
            Assert.True(calling.IsMutuallyAuthenticated && answering.IsMutuallyAuthenticated && calling.IsEncrypted);
        }
        else
        {
            Assert.IsType<AuthenticationException>(await answered);
        }
    }
}
