using System.Collections.Frozen;
using Akka.Actor;
using Akka.Remote.Serialization;
using Akka.Serialization;

namespace ActorMlp.Cluster.Wire;

/// <summary>
/// Akka's serializer of miscellaneous messages, less what this program never sends to another node: failures (whose exceptions are built from a type's
/// name), routers, configuration, and the messages that stop an actor.
/// </summary>
public sealed class GuardedMiscSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Identify, its answer, an actor's address, and the heartbeat of remote death watch with its answer.</summary>
    private static readonly FrozenSet<string> Allowed = new[] { "ID", "AID", "AR", "RWHB", "RWHR" }.ToFrozenSet(StringComparer.Ordinal);

    private readonly MiscMessageSerializer inner = new(system);

    /// <inheritdoc/>
    public override int Identifier => 16;

    /// <inheritdoc/>
    public override string Manifest(object o)
    {
        string manifest = inner.Manifest(o);
        return Allowed.Contains(manifest) ? manifest : throw WireMessages.Refused(o.GetType());
    }

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        _ = Manifest(obj);
        return inner.ToBinary(obj);
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => Allowed.Contains(manifest)
        ? inner.FromBinary(bytes, manifest)
        : throw new WireFormatException($"Akka's message '{WireMessages.Shorten(manifest)}' is not taken from other nodes");
}
