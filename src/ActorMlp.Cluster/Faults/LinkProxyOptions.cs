using System.Net;

namespace ActorMlp.Cluster.Faults;

/// <summary>How a proxy for one link is set up.</summary>
public sealed record LinkProxyOptions
{
    /// <summary>Where connections are accepted; port 0 for any free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Where they go; null for wherever each of them was meant to go before the system redirected it here (Linux, iptables).</summary>
    public IPEndPoint? Target { get; init; }

    /// <summary>A mark for the packets of its own connections, by which a rule tells them from those that it redirects; null for none. Needs CAP_NET_ADMIN.</summary>
    public int? Mark { get; init; }
}
