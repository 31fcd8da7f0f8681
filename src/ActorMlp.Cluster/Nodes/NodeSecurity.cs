using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ActorMlp.Cluster.Bulk;

namespace ActorMlp.Cluster.Nodes;

/// <summary>How a node knows the nodes that it talks to.</summary>
public enum NodeSecurityKind
{
    /// <summary>Not at all, but only this machine reaches it.</summary>
    LoopbackOnly,

    /// <summary>Not at all, and the user wants it so.</summary>
    Insecure,

    /// <summary>They know the cluster's secret.</summary>
    Secret,

    /// <summary>The cluster's authority signed their certificates.</summary>
    Certificates,
}

/// <summary>
/// Who may talk to a node, on the control plane and on the bulk plane. With a secret or with certificates, each side of a connection proves itself by TLS
/// before a byte of it is read, and everything is encrypted.
/// </summary>
public sealed class NodeSecurity
{
    private readonly X509Certificate2? authority;

    private NodeSecurity(NodeSecurityKind kind, X509Certificate2? certificate = null, X509Certificate2? authority = null)
    {
        Kind = kind;
        Certificate = certificate;
        this.authority = authority;
    }

    /// <summary>No security; such a node may listen on loopback only.</summary>
    public static NodeSecurity LoopbackOnly { get; } = new(NodeSecurityKind.LoopbackOnly);

    /// <summary>No security, whoever can reach the node: for networks that are trusted.</summary>
    public static NodeSecurity Insecure { get; } = new(NodeSecurityKind.Insecure);

    /// <summary>Which kind it is.</summary>
    public NodeSecurityKind Kind { get; }

    /// <summary>What the node shows, with its private key; null without security.</summary>
    public X509Certificate2? Certificate { get; }

    /// <summary>Whether connections are TLS.</summary>
    public bool Encrypts => Certificate is not null;

    /// <summary>The same for the bulk plane. Who knows a secret proves it there too, but gradients and weights are not encrypted.</summary>
    internal BulkSecurity Bulk => Kind switch
    {
        NodeSecurityKind.Secret => new BulkSecurity.SharedSecret(SecretCertificate.BulkSecret(Certificate!)),
        NodeSecurityKind.Certificates => new BulkSecurity.MutualTls(Certificate!, [authority!]),
        _ => BulkSecurity.None,
    };

    /// <summary>Nodes that know one secret. A key pair is derived from it, and each side of a connection must hold that very key.</summary>
    /// <exception cref="NodeException">It is too short to stand against guessing.</exception>
    public static NodeSecurity FromSecret(string secret) => new(NodeSecurityKind.Secret, SecretCertificate.Create(secret));

    /// <summary>Nodes with certificates of one authority, from files as <c>actormlp cluster certificates</c> writes them.</summary>
    /// <param name="certificateFile">The node's certificate: PEM, or PKCS#12 (<c>.pfx</c>) with its key and without password.</param>
    /// <param name="keyFile">Its private key as PEM; null for PKCS#12.</param>
    /// <param name="authorityFile">The authority's certificate, PEM.</param>
    /// <exception cref="NodeException">A file cannot be read, or they do not belong together.</exception>
    public static NodeSecurity FromCertificates(string certificateFile, string? keyFile, string authorityFile)
    {
        X509Certificate2 certificate = Read(certificateFile, () => keyFile is null
            ? X509CertificateLoader.LoadPkcs12FromFile(certificateFile, password: null)
            : Portable(X509Certificate2.CreateFromPemFile(certificateFile, keyFile)));
        X509Certificate2 authority = Read(authorityFile, () => X509CertificateLoader.LoadCertificateFromFile(authorityFile));
        var security = new NodeSecurity(NodeSecurityKind.Certificates, certificate, authority);
        string? problem = certificate.HasPrivateKey ? security.Problem(certificate, SslPolicyErrors.None) : "its private key is missing";
        return problem is null ? security : throw new NodeException($"{certificateFile}: {problem}");
    }

    /// <summary>Why a peer is refused; null if it is taken. Its possession of the certificate's key is proven by TLS.</summary>
    /// <param name="peer">The peer's certificate; null if it shows none.</param>
    /// <param name="errors">What TLS found: whether the certificate is for the host that was called.</param>
    public string? Problem(X509Certificate2? peer, SslPolicyErrors errors) => (Kind, peer) switch
    {
        (NodeSecurityKind.LoopbackOnly or NodeSecurityKind.Insecure, _) => null,
        (_, null) => "it shows no certificate",
        (NodeSecurityKind.Secret, _) => HasOurKey(peer) ? null : "it does not know the cluster's secret",
        _ => ChainProblem(peer)
            ?? (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "its certificate is not for the host that was called" : null),
    };

    /// <summary>TLS for the side that listens; null without security.</summary>
    public SslServerAuthenticationOptions? ServerOptions => Certificate is null ? null : new SslServerAuthenticationOptions
    {
        ServerCertificate = Certificate,
        ClientCertificateRequired = true,
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = Validate,
    };

    /// <summary>TLS for the side that calls; null without security.</summary>
    /// <param name="host">The public host of the node that is called.</param>
    public SslClientAuthenticationOptions? ClientOptions(string host) => Certificate is null ? null : new SslClientAuthenticationOptions
    {
        TargetHost = host,
        ClientCertificates = [Certificate],
        LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate,
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = Validate,
    };

    /// <summary>The same certificate in a form whose key every platform's TLS can use.</summary>
    internal static X509Certificate2 Portable(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }

    private static X509Certificate2 Read(string file, Func<X509Certificate2> load)
    {
        try
        {
            return load();
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new NodeException($"{file}: cannot be read as a certificate: {exception.Message}", exception);
        }
    }

    private bool Validate(object sender, X509Certificate? peer, X509Chain? chain, SslPolicyErrors errors) =>
        Problem(peer as X509Certificate2, errors) is null;

    private bool HasOurKey(X509Certificate2 peer) =>
        peer.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(Certificate!.PublicKey.ExportSubjectPublicKeyInfo());

    private string? ChainProblem(X509Certificate2 peer)
    {
        using var chain = new X509Chain { ChainPolicy = ChainPolicy() };
        return chain.Build(peer)
            ? null
            : "its certificate is refused: " + string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
    }

    /// <summary>One authority, not those that the machine trusts; and nothing is fetched from where a stranger's certificate points.</summary>
    private X509ChainPolicy ChainPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        if (authority is not null)
        {
            policy.CustomTrustStore.Add(authority);
            policy.ApplicationPolicy.Add(new Oid(ClusterAuthority.ServerUsage));
            policy.ApplicationPolicy.Add(new Oid(ClusterAuthority.ClientUsage));
        }

        return policy;
    }
}
