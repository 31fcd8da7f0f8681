using System.Globalization;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Chaos;

/// <summary>
/// Network namespaces, one a node, on a bridge: links whose packets are dropped, as in a real partition. It takes root, and the commands <c>ip</c> and <c>iptables</c> (Debian: iproute2,
/// iptables). All of it goes when it is disposed.
/// </summary>
internal sealed class NodeNetwork : IDisposable
{
    private readonly string name;
    private readonly int subnet;
    private readonly HashSet<int> spaces = [];

    private NodeNetwork(string name, int subnet)
    {
        this.name = name;
        this.subnet = subnet;
    }

    /// <summary>The address of the bridge, at which whoever keeps the run listens.</summary>
    public string KeeperHost => Host(ChaosLinks.Keeper);

    /// <summary>Makes the bridge.</summary>
    /// <exception cref="NodeException">It cannot be made.</exception>
    public static NodeNetwork Create()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new NodeException("--namespaces: network namespaces take root; without it the same partitions are made by proxies between the nodes");
        }

        int id = Environment.ProcessId % 100_000;
        var network = new NodeNetwork(string.Create(CultureInfo.InvariantCulture, $"amc{id}"), 1 + id % 250);
        SystemCommand.Run("ip", "link", "add", network.name, "type", "bridge");
        SystemCommand.Run("ip", "addr", "add", $"{network.KeeperHost}/24", "dev", network.name);
        SystemCommand.Run("ip", "link", "set", network.name, "up");
        return network;
    }

    /// <summary>The address of a node.</summary>
    public string Host(int node) => string.Create(CultureInfo.InvariantCulture, $"10.77.{subnet}.{(node == ChaosLinks.Keeper ? ChaosLinks.Keeper : node + 1)}");

    /// <summary>Makes a node's namespace, if it is not there, and gives the command that runs a program in it.</summary>
    public IReadOnlyList<string> Enter(int node)
    {
        string space = Space(node);
        if (spaces.Add(node))
        {
            string inside = string.Create(CultureInfo.InvariantCulture, $"{name}n{node}"), outside = string.Create(CultureInfo.InvariantCulture, $"{name}v{node}");
            SystemCommand.Run("ip", "netns", "add", space);
            SystemCommand.Run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside);
            SystemCommand.Run("ip", "link", "set", inside, "netns", space);
            SystemCommand.Run("ip", "link", "set", outside, "master", name, "up");
            SystemCommand.Run("ip", "-n", space, "addr", "add", $"{Host(node)}/24", "dev", inside);
            SystemCommand.Run("ip", "-n", space, "link", "set", inside, "up");
            SystemCommand.Run("ip", "-n", space, "link", "set", "lo", "up");
        }

        return ["ip", "netns", "exec", space];
    }

    /// <summary>Cuts a node off from others, both ways.</summary>
    public void Cut(int node, IEnumerable<int> others)
    {
        foreach (int other in others)
        {
            SystemCommand.Run("ip", "netns", "exec", Space(node), "iptables", "-w", "-A", "INPUT", "-s", Host(other), "-j", "DROP");
            SystemCommand.Run("ip", "netns", "exec", Space(node), "iptables", "-w", "-A", "OUTPUT", "-d", Host(other), "-j", "DROP");
        }
    }

    /// <summary>Mends what was cut.</summary>
    public void Heal(int node, IEnumerable<int> others)
    {
        foreach (int other in others)
        {
            SystemCommand.Run("ip", "netns", "exec", Space(node), "iptables", "-w", "-D", "INPUT", "-s", Host(other), "-j", "DROP");
            SystemCommand.Run("ip", "netns", "exec", Space(node), "iptables", "-w", "-D", "OUTPUT", "-d", Host(other), "-j", "DROP");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (int node in spaces)
        {
            SystemCommand.Try("ip", "netns", "del", Space(node));
        }

        SystemCommand.Try("ip", "link", "del", name);
    }

    private string Space(int node) => string.Create(CultureInfo.InvariantCulture, $"{name}-{node}");
}
