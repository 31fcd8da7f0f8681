using ActorMlp.Cluster.Nodes;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Runs;

/// <summary>How a run file says that nodes know each other: <c>cluster.secretFile</c>, <c>cluster.tls</c>.</summary>
internal static class RunSecurity
{
    /// <summary>What a run file says.</summary>
    /// <param name="cluster">Its section, files as absolute paths.</param>
    /// <returns>The security; null if it says nothing.</returns>
    /// <exception cref="NodeException">A file is not there, or is not what it should be.</exception>
    public static NodeSecurity? Of(ClusterOptions cluster)
    {
        if (cluster.SecretFile is { } secretFile)
        {
            return Named("cluster.secretFile", () => NodeSecurity.FromSecret(ReadSecret(secretFile)), secretFile);
        }

        if (cluster.Tls is not { Certificate: { } certificate, Authority: { } authority })
        {
            return null;
        }

        foreach ((string key, string? file) in new[] { ("certificate", certificate), ("certificateKey", cluster.Tls.CertificateKey), ("authority", authority) })
        {
            if (file is not null && !File.Exists(file))
            {
                throw new NodeException($"cluster.tls.{key}: {file}: there is no such file");
            }
        }

        return Named("cluster.tls", () => NodeSecurity.FromCertificates(certificate, cluster.Tls.CertificateKey, authority), certificate);
    }

    /// <summary>The same for nodes that are started on a loopback address.</summary>
    /// <exception cref="NodeException">As above, or the certificate is not for that address.</exception>
    public static NodeSecurity? ForHost(ClusterOptions cluster, string host)
    {
        NodeSecurity? security = Of(cluster);
        return security is not { Kind: NodeSecurityKind.Certificates, Certificate: { } certificate } || certificate.MatchesHostname(host)
            ? security
            : throw new NodeException(
                $"cluster.tls.certificate: {cluster.Tls.Certificate}: is not for {host}, where this command starts its nodes; actormlp cluster certificates --nodes {host} makes one");
    }

    /// <summary>Arguments by which <c>actormlp node</c> is told the same.</summary>
    public static IEnumerable<string> Arguments(ClusterOptions cluster) =>
        new[]
        {
            ("--secret-file", cluster.SecretFile),
            ("--certificate", cluster.Tls.Certificate),
            ("--certificate-key", cluster.Tls.CertificateKey),
            ("--authority", cluster.Tls.Authority),
        }.Where(pair => pair.Item2 is not null).SelectMany(pair => new[] { pair.Item1, pair.Item2! });

    /// <summary>Reads the cluster's secret.</summary>
    /// <exception cref="NodeException">The file cannot be read.</exception>
    public static string ReadSecret(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new NodeException($"{file}: cannot be read: {exception.Message}", exception);
        }
    }

    private static NodeSecurity Named(string key, Func<NodeSecurity> read, string file)
    {
        try
        {
            return read();
        }
        catch (NodeException exception)
        {
            string where = exception.Message.Contains(file, StringComparison.Ordinal) || key == "cluster.tls" ? key : $"{key}: {file}";
            throw new NodeException($"{where}: {exception.Message}", exception);
        }
    }
}
