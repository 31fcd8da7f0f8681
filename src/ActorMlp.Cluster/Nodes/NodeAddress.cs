using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace ActorMlp.Cluster.Nodes;

/// <summary>Host and port.</summary>
/// <param name="Host">A DNS name or an IPv4 address, in lower case.</param>
/// <param name="Port">0 to 65535; 0 asks for any free port.</param>
public readonly record struct NodeAddress(string Host, int Port)
{
    /// <summary>Whether the host is this machine, whatever names other machines give it: a loopback address or <c>localhost</c>.</summary>
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>Whether the host stands for all addresses of this machine.</summary>
    public bool IsWildcard => Host == "0.0.0.0";

    /// <summary>Reads <c>host:port</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeAddress address)
    {
        address = default;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0
            || !IsHost(text![..colon])
            || !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port > ushort.MaxValue)
        {
            return false;
        }

        address = new NodeAddress(text[..colon].ToLowerInvariant(), port);
        return true;
    }

    /// <summary>Whether text is a DNS name or an IPv4 address. IPv6 addresses are not: Akka.Remote resolves names to one family only.</summary>
    public static bool IsHost(string text) => text.Length > 0
        && Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
