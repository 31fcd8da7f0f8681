using MessagePack;

namespace ActorMlp.Cluster.Wire;

/// <summary>A node introduces itself to another.</summary>
/// <param name="NodeId">Its control address, <c>host:port</c>.</param>
/// <param name="BulkAddress">Where it listens for bulk connections, <c>host:port</c>.</param>
/// <param name="Kernel">The instruction set of its kernels.</param>
/// <param name="ProcessorCount">Processors that its process may use.</param>
/// <param name="Roles">Its roles.</param>
/// <param name="SoftwareVersion">Its release.</param>
[MessagePackObject]
public sealed record NodeHello(
    [property: Key(0)] string NodeId,
    [property: Key(1)] string BulkAddress,
    [property: Key(2)] string Kernel,
    [property: Key(3)] int ProcessorCount,
    [property: Key(4)] IReadOnlyList<string> Roles,
    [property: Key(5)] string SoftwareVersion);

/// <summary>Asks for a <see cref="Pong"/>.</summary>
/// <param name="Number">Comes back.</param>
[MessagePackObject]
public sealed record Ping([property: Key(0)] long Number);

/// <summary>Answers a <see cref="Ping"/>.</summary>
/// <param name="Number">The ping's.</param>
[MessagePackObject]
public sealed record Pong([property: Key(0)] long Number);
