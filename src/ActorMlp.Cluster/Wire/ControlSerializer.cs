using Akka.Actor;
using Akka.Serialization;

namespace ActorMlp.Cluster.Wire;

/// <summary>Akka's view of <see cref="WireMessages"/>: the only serializer for this program's own messages.</summary>
public sealed class ControlSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>The number that Akka.Remote sends beside the manifest.</summary>
    public const int WireIdentifier = 7301;

    /// <inheritdoc/>
    public override int Identifier => WireIdentifier;

    /// <inheritdoc/>
    public override string Manifest(object o) => WireMessages.For(o).Manifest;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => WireMessages.For(obj).Encode(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => WireMessages.For(manifest).Decode(bytes);
}
