namespace ActorMlp.Cluster.Nodes;

/// <summary>A node cannot start, or could not join; the message is for the user.</summary>
public sealed class NodeException(string message, Exception? cause = null) : Exception(message, cause);
