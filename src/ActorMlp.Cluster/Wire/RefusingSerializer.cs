using Akka.Actor;
using Akka.Serialization;

namespace ActorMlp.Cluster.Wire;

/// <summary>
/// Stands where Akka would put serializers that build whatever type the bytes name, or that are not needed. It takes no message and gives none, and as it
/// goes under an identifier of its own, those of the serializers that it replaces are unknown to this node.
/// </summary>
public sealed class RefusingSerializer : SerializerWithStringManifest
{
    /// <summary>For Akka, which makes serializers by reflection.</summary>
    public RefusingSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <summary>The same, for a name under which Akka has settings.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Akka.Configuration.Config settings)
        : base(system) => _ = settings;

    /// <inheritdoc/>
    public override int Identifier => ControlSerializer.WireIdentifier - 1;

    /// <inheritdoc/>
    public override string Manifest(object o) => throw WireMessages.Refused(o.GetType());

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw WireMessages.Refused(obj.GetType());

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) =>
        throw new WireFormatException($"a message of a refused serializer, manifest '{WireMessages.Shorten(manifest)}'");
}
