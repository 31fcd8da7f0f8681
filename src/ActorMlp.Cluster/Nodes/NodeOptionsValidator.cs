using System.Security.Cryptography.X509Certificates;

namespace ActorMlp.Cluster.Nodes;

/// <summary>What is wrong with a node's options, all at once, before anything starts.</summary>
public static class NodeOptionsValidator
{
    /// <summary>A line for each problem; none if the node may start.</summary>
    public static IReadOnlyList<string> Validate(NodeOptions options) =>
    [
        .. AddressProblems(options),
        .. SecurityProblems(options),
        .. options.Join.Where(target => !JoinTarget.TryParse(target, out _))
            .Select(target => $"join: '{target}' is neither host:port nor dns:name:port"),
        .. RoleProblems(options.Roles),
        .. TimeProblems(options),
    ];

    private static IEnumerable<string> AddressProblems(NodeOptions options)
    {
        if (!NodeAddress.IsHost(options.Listen.Host))
        {
            yield return $"listen: '{options.Listen.Host}' is neither a DNS name nor an IPv4 address";
        }

        if (options.PublicHost is { } host && !NodeAddress.IsHost(host))
        {
            yield return $"public host: '{host}' is neither a DNS name nor an IPv4 address";
        }

        if (options.AdvertisedHost == "0.0.0.0")
        {
            yield return "public host: other nodes cannot call 0.0.0.0; say under which name or address they reach this node";
        }

        if (options.RequiredContacts < 1)
        {
            yield return $"required contacts: {options.RequiredContacts} is not at least 1";
        }
    }

    private static IEnumerable<string> SecurityProblems(NodeOptions options)
    {
        if (options.Security.Kind == NodeSecurityKind.LoopbackOnly && !options.Listen.IsLoopback)
        {
            yield return $"security: {options.Listen} can be reached from other machines, and whoever reaches a node commands it. Give the node a "
                + "certificate (actormlp cluster certificates) or the cluster's secret, listen on 127.0.0.1, or say insecure if the network is trusted";
        }

        if (options.Security is { Kind: NodeSecurityKind.Certificates, Certificate: { } certificate }
            && NodeAddress.IsHost(options.AdvertisedHost)
            && !certificate.MatchesHostname(options.AdvertisedHost, allowWildcards: true, allowCommonName: false))
        {
            yield return $"security: the node's certificate is not for its public host {options.AdvertisedHost}, so no node would call it. It is for "
                + string.Join(", ", NamesOf(certificate));
        }
    }

    private static IEnumerable<string> RoleProblems(IReadOnlyList<string> roles)
    {
        if (roles.Count == 0)
        {
            yield return $"roles: none is given; allowed are {string.Join(", ", NodeRoles.All)}";
        }

        foreach (string role in roles.Except(NodeRoles.All))
        {
            yield return $"roles: there is no role '{role}'; allowed are {string.Join(", ", NodeRoles.All)}";
        }
    }

    private static IEnumerable<string> TimeProblems(NodeOptions options)
    {
        FailureDetection detection = options.FailureDetection;
        TimeSpan least = TimeSpan.FromMilliseconds(50);
        if (detection.HeartbeatInterval < least
            || detection.StableAfter < least
            || detection.DownAllAfterUnstable < least
            || options.FormAfter < least)
        {
            yield return "failure detection: every time is at least 0.05 s";
        }

        if (detection.AcceptablePause < 2 * detection.HeartbeatInterval)
        {
            yield return $"failure detection: a pause of {detection.AcceptablePause.TotalSeconds} s leaves no room for one heartbeat that is late; "
                + $"allow at least {2 * detection.HeartbeatInterval.TotalSeconds} s, two heartbeats";
        }
    }

    private static IEnumerable<string> NamesOf(X509Certificate2 certificate) => certificate.Extensions
        .OfType<X509SubjectAlternativeNameExtension>()
        .SelectMany(names => names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(address => address.ToString())))
        .DefaultIfEmpty("no host");
}
