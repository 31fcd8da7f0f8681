using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// Which nodes to ask for a cluster, in an order on which all nodes agree: the first is the only one that may form a cluster if none is found.
/// </summary>
/// <remarks>
/// Listed nodes keep the order of the list. A name's addresses are sorted as numbers, since resolvers shuffle them; the node's own address must be among
/// them, or else two nodes could each be first in their own eyes.
/// </remarks>
/// <param name="targets">What to join.</param>
/// <param name="own">This node's public address.</param>
/// <param name="requiredContacts">Fewest addresses that a name must resolve to.</param>
/// <param name="resolve">Looks up the IPv4 addresses of a name.</param>
internal sealed class SeedDiscovery(
    IReadOnlyList<JoinTarget> targets,
    NodeAddress own,
    int requiredContacts,
    Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    /// <summary>Whether the answer can change.</summary>
    public bool UsesNames { get; } = targets.Any(target => target.Resolve);

    /// <summary>The name service of this machine.</summary>
    public static async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(name, AddressFamily.InterNetwork, cancellation).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // No such name, or no name service, yet: a headless service has no addresses before its first node is there.
            return [];
        }
    }

    /// <summary>The nodes to ask; empty while names do not resolve to this node and enough others.</summary>
    public async Task<IReadOnlyList<NodeAddress>> FindAsync(CancellationToken cancellation)
    {
        var found = new List<NodeAddress>();
        foreach (JoinTarget target in targets)
        {
            if (!target.Resolve)
            {
                found.Add(target.Address);
                continue;
            }

            IPAddress[] addresses = await resolve(target.Address.Host, cancellation).ConfigureAwait(false);
            NodeAddress[] nodes =
            [
                .. addresses.Distinct()
                    .OrderBy(address => address.GetAddressBytes(), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))
                    .Select(address => target.Address with { Host = address.ToString() }),
            ];
            if (nodes.Length < requiredContacts || !nodes.Contains(own))
            {
                return [];
            }

            found.AddRange(nodes);
        }

        return [.. found.Distinct()];
    }
}
