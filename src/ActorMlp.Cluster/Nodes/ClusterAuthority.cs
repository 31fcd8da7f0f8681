using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorMlp.Cluster.Nodes;

/// <summary>A small certificate authority, for the nodes of one cluster: ECDSA over P-256 throughout.</summary>
public sealed class ClusterAuthority : IDisposable
{
    /// <summary>Extended key usage of a TLS server.</summary>
    internal const string ServerUsage = "1.3.6.1.5.5.7.3.1";

    /// <summary>Extended key usage of a TLS client.</summary>
    internal const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    /// <summary>Clocks of nodes may differ by this much from that of the machine that issues.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);

    private ClusterAuthority(X509Certificate2 certificate) => Certificate = certificate;

    /// <summary>The authority's certificate, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>A new authority, for ten years.</summary>
    public static ClusterAuthority Create(DateTimeOffset now)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request("CN=actormlp cluster authority", key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new ClusterAuthority(request.CreateSelfSigned(now - ClockSkew, now + Lifetime));
    }

    /// <summary>An authority from its PEM files.</summary>
    /// <exception cref="CryptographicException">They are not a certificate and its key.</exception>
    public static ClusterAuthority Load(string certificateFile, string keyFile) =>
        new(X509Certificate2.CreateFromPemFile(certificateFile, keyFile));

    /// <summary>A node's certificate, with its key, for use as server and as client.</summary>
    /// <param name="hosts">DNS names (<c>*.</c> stands for one label) and IP addresses under which other nodes call it; the first is its name.</param>
    /// <param name="now">The time.</param>
    /// <param name="lifetime">How long it is good for, at most as long as the authority is.</param>
    public X509Certificate2 Issue(IReadOnlyList<string> hosts, DateTimeOffset now, TimeSpan lifetime)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request($"CN={hosts[0]}", key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(NodeUsages());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        request.CertificateExtensions.Add(Names(hosts));
        DateTimeOffset end = now + lifetime;
        DateTimeOffset last = Certificate.NotAfter;
        using X509Certificate2 issued = request.Create(Certificate, now - ClockSkew, end < last ? end : last, RandomNumberGenerator.GetBytes(16));
        return issued.CopyWithPrivateKey(key);
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    internal static CertificateRequest Request(string subject, ECDsa key) =>
        new(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);

    /// <summary>Every node calls others and is called: both usages.</summary>
    internal static X509EnhancedKeyUsageExtension NodeUsages() => new([new Oid(ServerUsage), new Oid(ClientUsage)], critical: false);

    private static X509Extension Names(IEnumerable<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (string host in hosts)
        {
            if (IPAddress.TryParse(host, out IPAddress? address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        return names.Build();
    }
}
