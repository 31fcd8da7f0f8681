using System.Diagnostics.CodeAnalysis;

namespace ActorMlp.Cluster.Nodes;

/// <summary>An entry of <see cref="NodeOptions.Join"/>.</summary>
/// <param name="Address">The node, or the name to resolve.</param>
/// <param name="Resolve">Whether the name stands for all nodes behind it.</param>
internal readonly record struct JoinTarget(NodeAddress Address, bool Resolve)
{
    private const string DnsPrefix = "dns:";

    public static bool TryParse([NotNullWhen(true)] string? text, out JoinTarget target)
    {
        bool resolve = text?.StartsWith(DnsPrefix, StringComparison.Ordinal) ?? false;
        bool parsed = NodeAddress.TryParse(resolve ? text![DnsPrefix.Length..] : text, out NodeAddress address) && address.Port > 0;
        target = new JoinTarget(address, resolve);
        return parsed;
    }

    public static JoinTarget Parse(string text) =>
        TryParse(text, out JoinTarget target) ? target : throw new NodeException($"join: '{text}' is neither host:port nor dns:name:port");
}
