using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace ActorMlp.Cluster.Bulk.Transports;

/// <summary>A TCP connection within TLS, both ends authenticated by certificates of one authority.</summary>
internal sealed class TlsTransport : BulkTransport
{
    private readonly Socket socket;
    private readonly SslStream stream;

    private TlsTransport(Socket socket, SslStream stream)
    {
        this.socket = socket;
        this.stream = stream;
        RemoteAddress = socket.RemoteEndPoint;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteAddress { get; }

    /// <summary>Shakes hands.</summary>
    /// <param name="socket">The connection; owned by the transport from now on.</param>
    /// <param name="security">This node's certificate and whom it trusts.</param>
    /// <param name="dialled">Whether this end dialled; it is TLS's client.</param>
    /// <exception cref="AuthenticationException">The peer is not trusted, or does not trust this node.</exception>
    public static TlsTransport Secure(Socket socket, BulkSecurity.MutualTls security, bool dialled)
    {
        socket.NoDelay = true;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
        string? refused = null;
        bool Trust(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            refused = ReasonToRefuse(certificate, security.Authority);
            return refused is null;
        }

        try
        {
            const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            if (dialled)
            {
                var options = new SslClientAuthenticationOptions
                {
                    // Names are not compared; the field must not be empty.
                    TargetHost = "actormlp-bulk",
                    ClientCertificates = [security.Certificate],
                    EnabledSslProtocols = Protocols,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = Trust,
                };
                stream.AuthenticateAsClient(options);
            }
            else
            {
                var options = new SslServerAuthenticationOptions
                {
                    ServerCertificate = security.Certificate,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = Protocols,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = Trust,
                };
                stream.AuthenticateAsServer(options);
            }

            return new TlsTransport(socket, stream);
        }
        catch (AuthenticationException exception)
        {
            stream.Dispose();
            throw new AuthenticationException($"TLS: {refused ?? exception.GetBaseException().Message}", exception);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Bytes on the socket may be TLS's own, and the peer's may wait within the stream, where nobody sees them: nothing can be told.</remarks>
    public override bool AwaitInput() => false;

    /// <inheritdoc/>
    public override bool HasRoom => socket.Poll(0, SelectMode.SelectWrite);

    /// <inheritdoc/>
    public override void Expect(int bytes)
    {
        // What comes of records is not what comes of payload.
    }

    /// <inheritdoc/>
    public override int Receive(Span<byte> into) => stream.Read(into);

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    /// <inheritdoc/>
    public override void Hold(bool on)
    {
        // TLS writes records of its own; there is nothing to hold.
    }

    /// <inheritdoc/>
    public override void End() => stream.ShutdownAsync().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override void Dispose()
    {
        SocketEnd.Close(socket);
        stream.Dispose();
    }

    private static string? ReasonToRefuse(X509Certificate? shown, X509Certificate2Collection authority)
    {
        if (shown is null)
        {
            return "the peer shows no certificate";
        }

        using var certificate = new X509Certificate2(shown);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate)
            ? null
            : $"the certificate \"{certificate.Subject}\" is not trusted: {string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()))}";
    }
}
