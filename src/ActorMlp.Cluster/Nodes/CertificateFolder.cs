using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// A folder with a cluster's authority (<c>ca.pem</c>, <c>ca-key.pem</c>) and its nodes' certificates (<c>NAME.pem</c> with <c>NAME-key.pem</c>, and both as
/// <c>NAME.pfx</c> without password). Files with keys can be read by their owner only.
/// </summary>
/// <param name="path">The folder.</param>
public sealed class CertificateFolder(string path)
{
    private const string AuthorityName = "ca";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Makes certificates, and the authority where the folder has none.</summary>
    /// <param name="nodes">Of each node its hosts, DNS names or IP addresses; the first names its files.</param>
    /// <param name="now">The time.</param>
    /// <param name="lifetime">How long the nodes' certificates are good for.</param>
    /// <param name="overwrite">Whether a node's files may take the place of older ones. The authority never does: its key would be lost.</param>
    /// <returns>The files written.</returns>
    /// <exception cref="NodeException">A file is there already, or cannot be written; nothing was written in the first case.</exception>
    public IReadOnlyList<string> Issue(IReadOnlyList<IReadOnlyList<string>> nodes, DateTimeOffset now, TimeSpan lifetime, bool overwrite)
    {
        string? taken = nodes.SelectMany(hosts => NodeFiles(FileName(hosts[0]))).FirstOrDefault(File.Exists);
        if (taken is not null && !overwrite)
        {
            throw new NodeException($"{taken}: is there already; --force makes a new one");
        }

        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
            }

            var written = new List<string>();
            using ClusterAuthority authority = OpenAuthority(now, written);
            foreach (IReadOnlyList<string> hosts in nodes)
            {
                using X509Certificate2 certificate = authority.Issue(hosts, now, lifetime);
                WriteNode(FileName(hosts[0]), certificate, written);
            }

            return written;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new NodeException($"{path}: certificates cannot be written: {exception.Message}", exception);
        }
    }

    private static string FileName(string host) => host.Replace("*", "any", StringComparison.Ordinal);

    private ClusterAuthority OpenAuthority(DateTimeOffset now, List<string> written)
    {
        string certificate = At(AuthorityName + ".pem"), key = At(AuthorityName + "-key.pem");
        if (File.Exists(certificate) || File.Exists(key))
        {
            return ClusterAuthority.Load(certificate, key);
        }

        ClusterAuthority authority = ClusterAuthority.Create(now);
        WritePem(AuthorityName, authority.Certificate, written);
        return authority;
    }

    private void WriteNode(string name, X509Certificate2 certificate, List<string> written)
    {
        WritePem(name, certificate, written);
        Write(name + ".pfx", certificate.Export(X509ContentType.Pkcs12), OwnerOnly, written);
    }

    private void WritePem(string name, X509Certificate2 certificate, List<string> written)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        Write(name + ".pem", System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"), Everybody, written);
        Write(name + "-key.pem", System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"), OwnerOnly, written);
    }

    private void Write(string name, byte[] bytes, UnixFileMode mode, List<string> written)
    {
        string file = At(name);

        // A new file, so that it never has its predecessor's mode, not even while it is written.
        File.Delete(file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using var stream = new FileStream(file, options);
        stream.Write(bytes);
        written.Add(file);
    }

    private string[] NodeFiles(string name) => [At(name + ".pem"), At(name + "-key.pem"), At(name + ".pfx")];

    private string At(string name) => Path.Combine(path, name);
}
