using System.Collections.Frozen;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;
using Akka.Util;

namespace ActorMlp.Cluster.Wire;

/// <summary>
/// Akka's serializer of system messages, less all but death watch: nobody creates, suspends or terminates an actor on another node. Akka's own looks up
/// the type that a manifest names; this one compares names with those it knows.
/// </summary>
public sealed class GuardedSystemSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private static readonly FrozenDictionary<string, Type> Allowed =
        new[] { typeof(Watch), typeof(Unwatch), typeof(DeathWatchNotification) }
            .ToFrozenDictionary(type => type.TypeQualifiedName(), StringComparer.Ordinal);

    private readonly SystemMessageSerializer inner = new(system);

    /// <inheritdoc/>
    public override int Identifier => 22;

    /// <inheritdoc/>
    public override string Manifest(object o)
    {
        string manifest = o.GetType().TypeQualifiedName();
        return Allowed.ContainsKey(manifest) ? manifest : throw WireMessages.Refused(o.GetType());
    }

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        _ = Manifest(obj);
        return inner.ToBinary(obj);
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => Allowed.TryGetValue(manifest, out Type? type)
        ? inner.FromBinary(bytes, type)
        : throw new WireFormatException($"Akka's system message '{WireMessages.Shorten(manifest)}' is not taken from other nodes");
}
