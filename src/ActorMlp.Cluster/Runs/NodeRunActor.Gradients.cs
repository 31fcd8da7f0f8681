using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <content>Gradients on their way from the engine to the parameter servers.</content>
internal sealed partial class NodeRunActor
{
    private readonly Dictionary<(int View, long Step, TreeNode Node), bool> sent = [];
    private readonly Dictionary<TreeNode, SharedBuffer> results = [];
    private readonly List<SharedBuffer> gradientsOfStep = [];
    private long resultsStep = -1;

    private void Compute(ComputeSubtree task)
    {
        if (task.Step != resultsStep)
        {
            stepsTakenPartIn++;
            resultsStep = task.Step;
            ForgetResults();
        }

        IReadOnlyList<ParameterPiece> pieces = view.Arrangement.Pieces;
        Dictionary<int, string> nodes = members.Values.ToDictionary(member => member.Number, member => member.NodeId);
        IActorRef actor = Self;
        sent[(task.View, task.Step, task.Node)] = true;

        // From the pool straight to the wire: the first layers' gradients travel while the last ones are computed.
        Engine.ComputeAsync(task, [.. pieces.Select(piece => piece.End)], (piece, totals, gradient) =>
            Send(actor, nodes, pieces[piece], new SubtreeComputed(
                self, task.View, task.Step, task.Node, totals, new GradientPart(task.Node, gradient.Floats), pieces[piece].Offset), gradient))
            .PipeTo(
                actor,
                actor,
                result => new Computed(task, result.Totals, result.Gradient, result.Busy, null),
                failure => new Computed(task, default, null, default, failure));
    }

    /// <summary>
    /// Keeps a result until its step is over: its worker may have to send it again, and the parameter server of this node, which got no copy, may have
    /// counted it.
    /// </summary>
    private void Keep(Computed result)
    {
        if (result.Task.Step != resultsStep)
        {
            result.Gradient!.Release();
            return;
        }

        gradientsOfStep.Add(result.Gradient!);
        results[result.Task.Node] = result.Gradient!;
    }

    private void ForgetResults()
    {
        gradientsOfStep.ForEach(gradient => gradient.Release());
        gradientsOfStep.Clear();
        results.Clear();
        sent.Clear();
    }

    private void Send(SubtreeComputed result)
    {
        if (sent.Remove((result.View, result.Step, result.Node)) || !results.TryGetValue(result.Node, out SharedBuffer? gradient))
        {
            return;
        }

        Dictionary<int, string> nodes = members.Values.ToDictionary(member => member.Number, member => member.NodeId);
        foreach (ParameterPiece piece in view.Arrangement.Pieces)
        {
            Send(Self, nodes, piece, result with { Offset = piece.Offset }, gradient);
        }
    }

    private void Send(IActorRef actor, Dictionary<int, string> nodes, ParameterPiece piece, SubtreeComputed result, SharedBuffer gradient)
    {
        if (piece.Server == run.Number)
        {
            actor.Tell(result with { Gradient = new GradientPart(result.Node, gradient.Floats.Slice(piece.Offset, piece.Length)) });
        }
        else if (nodes.TryGetValue(piece.Server, out string? nodeId))
        {
            links.SendGradient(nodeId, self, result.View, result.Step, result.Node, result.Totals, piece, gradient);
        }
    }

    /// <summary>What the engine is done with.</summary>
    private sealed record Computed(ComputeSubtree Task, GradientTotals Totals, SharedBuffer? Gradient, TimeSpan Busy, Exception? Failure);
}
