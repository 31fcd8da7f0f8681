using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Runs;

/// <summary>Short questions to a cluster, from a process that is no member of it.</summary>
public static class ClusterClient
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(40);

    /// <summary>Asks for the cluster's status; the first contact that answers will do.</summary>
    /// <exception cref="NodeException">No contact answers.</exception>
    public static async Task<ClusterStatus> AskStatusAsync(NodeOptions options, IReadOnlyList<string> contacts, TimeProvider time)
    {
        string problem = "";
        foreach (string contact in contacts)
        {
            try
            {
                return await AskAsync<ClusterStatus>(options, contact, new AskStatus(), StatusPatience, time).ConfigureAwait(false);
            }
            catch (NodeException exception)
            {
                problem = exception.Message;
            }
        }

        throw new NodeException(problem);
    }

    /// <summary>Lets a node leave in order; returns when it is free to go.</summary>
    /// <exception cref="NodeException">It does not answer.</exception>
    public static async Task LeaveAsync(NodeOptions options, string node, TimeProvider time) =>
        await AskAsync<NodeReleased>(options, node, new LeaveCluster(), LeavePatience, time).ConfigureAwait(false);

    private static async Task<T> AskAsync<T>(NodeOptions options, string node, object question, TimeSpan patience, TimeProvider time)
    {
        NodeHost host = await NodeHost.StartAsync(
            options with { Member = false, Join = [] }, NullLoggerFactory.Instance, time).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            ActorSelection agent = host.System.ActorSelection($"{ClusterTraining.AddressOf(host.Cluster.SelfAddress, node)}/user/node");
            try
            {
                return await agent.Ask<T>(question, patience).ConfigureAwait(false);
            }
            catch (AskTimeoutException exception)
            {
                throw new NodeException(
                    $"no answer from {node} within {patience.TotalSeconds} s: does a node run there under that very address, with this secret or authority, and can it reach {host.Address}?",
                    exception);
            }
        }
    }
}
