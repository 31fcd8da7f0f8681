namespace ActorMlp.Cli.Chaos;

/// <summary>What a node does in a run.</summary>
/// <param name="NodeId">Its control address, <c>host:port</c>.</param>
/// <param name="IsCoordinator">Whether the coordinator is there.</param>
/// <param name="Leads">Whether it opens and commits steps.</param>
/// <param name="Serves">Whether it holds parameters.</param>
/// <param name="Works">Whether it computes shards.</param>
internal sealed record NodePart(string NodeId, bool IsCoordinator, bool Leads, bool Serves, bool Works);
