using System.Runtime.Serialization;

namespace ActorMlp.Cluster.Wire;

/// <summary>
/// A message has no place on the wire, or bytes are not a message: unknown manifest, other version, cut short, or anything but exactly what a node
/// would have sent. Akka.Remote logs it, drops the message and keeps the association.
/// </summary>
public sealed class WireFormatException(string message, Exception? cause = null) : SerializationException(message, cause);
