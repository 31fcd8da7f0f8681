using System.Security.Cryptography.X509Certificates;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cluster.Tests.Nodes;

/// <summary>An authority whose files lie in a folder of its own, which is deleted afterwards.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("actormlp-").FullName;
    private readonly ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System.GetUtcNow());

    public TestCertificates() => File.WriteAllText(At("ca.pem"), authority.Certificate.ExportCertificatePem());

    public string At(string name) => Path.Combine(folder, name);

    public X509Certificate2 IssueCertificate(params string[] hosts) => IssueCertificate(TimeSpan.FromDays(1), hosts);

    public X509Certificate2 IssueCertificate(TimeSpan lifetime, params string[] hosts) =>
        authority.Issue(hosts, TimeProvider.System.GetUtcNow(), lifetime);

    public NodeSecurity Issue(params string[] hosts)
    {
        using X509Certificate2 certificate = IssueCertificate(hosts);
        File.WriteAllBytes(At("node.pfx"), certificate.Export(X509ContentType.Pkcs12));
        return NodeSecurity.FromCertificates(At("node.pfx"), null, At("ca.pem"));
    }

    public void Dispose()
    {
        authority.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
