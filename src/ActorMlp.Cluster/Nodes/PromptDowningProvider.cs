using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.SBR;
using AkkaCluster = Akka.Cluster.Cluster;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// Akka's split-brain resolver, but the next coordinator begins as soon as the node of the one before it is removed: Akka would wait, in case that one has not
/// noticed yet. Here it may go on saying what it likes: views of a later coordinator fence it off.
/// </summary>
/// <param name="system">The node's actor system.</param>
/// <param name="cluster">The cluster.</param>
public sealed class PromptDowningProvider(ActorSystem system, AkkaCluster cluster) : IDowningProvider
{
    private readonly SplitBrainResolverProvider resolver = new(system, cluster);

    /// <inheritdoc/>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    /// <inheritdoc/>
    public Props DowningActorProps => resolver.DowningActorProps;
}
