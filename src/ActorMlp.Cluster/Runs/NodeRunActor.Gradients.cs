using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <content>Gradients on their way from the engine to the parameter servers.</content>
internal sealed partial class NodeRunActor
{
    private readonly HashSet<(int View, long Step, TreeNode Node)> sent = [];
    private readonly Dictionary<TreeNode, ComputedGradient> results = [];
    private readonly List<ComputedGradient> gradientsOfStep = [];
    private long resultsStep = -1;

    private void Compute(ComputeSubtree task)
    {
        if (!OwesAreKnown(task))
        {
            waitingForResidual.Add(task);
            return;
        }

        if (task.Step != resultsStep)
        {
            stepsTakenPartIn++;
            resultsStep = task.Step;
            ForgetResults();
        }

        IReadOnlyList<ParameterPiece> pieces = view.Arrangement.Pieces;
        Dictionary<int, string> nodes = members.Values.ToDictionary(member => member.Number, member => member.NodeId);
        IActorRef actor = Self;
        SubtreeEncoder? encoding = encoder;
        sent.Add((task.View, task.Step, task.Node));

        // From the pool straight to the wire: what travels is computed first, so that it is there by the time the rest, this node's own range, is computed.
        int behindOwn = 1 + pieces.Select((piece, i) => piece.Server == run.Number ? i : -1).Max();
        Engine.ComputeAsync(task, [.. pieces.Select(piece => piece.End)], behindOwn % pieces.Count, encoding, (piece, gradient) =>
            Send(actor, nodes, pieces[piece], ResultOf(task, gradient), gradient, encoding))
            .PipeTo(
                actor,
                actor,
                result => new Computed(task, result.Gradient, result.Busy, null),
                failure => new Computed(task, null, default, failure));
    }

    /// <summary>
    /// Keeps a result until its step is over: its worker may have to send it again, and the parameter server of this node, which got no copy, may have
    /// counted it.
    /// </summary>
    private void Keep(Computed result)
    {
        if (result.Task.Step != resultsStep || result.Task.View < view.Arrangement.Number)
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
        if (sent.Remove((result.View, result.Step, result.Node)) || !results.TryGetValue(result.Node, out ComputedGradient? gradient))
        {
            return;
        }

        Dictionary<int, string> nodes = members.Values.ToDictionary(member => member.Number, member => member.NodeId);
        foreach (ParameterPiece piece in view.Arrangement.Pieces)
        {
            Send(Self, nodes, piece, result, gradient, encoder);
        }
    }

    private void Send(
        IActorRef actor, Dictionary<int, string> nodes, ParameterPiece piece, SubtreeComputed result, ComputedGradient gradient, SubtreeEncoder? encoding)
    {
        if (piece.Server == run.Number)
        {
            Memory<float> floats = gradient.Floats.Floats.Slice(piece.Offset, piece.Length);
            actor.Tell(result with { Gradient = new GradientPart(result.Node, floats), Offset = piece.Offset });
        }
        else if (nodes.TryGetValue(piece.Server, out string? nodeId))
        {
            links.SendGradient(nodeId, result, piece, gradient, encoding);
        }
    }

    private SubtreeComputed ResultOf(ComputeSubtree task, ComputedGradient gradient) =>
        new(self, task.View, task.Step, task.Node, gradient.Totals, new GradientPart(task.Node, gradient.Floats.Floats)) { Verifies = task.Verifies };

    /// <summary>What the engine is done with.</summary>
    private sealed record Computed(ComputeSubtree Task, ComputedGradient? Gradient, TimeSpan Busy, Exception? Failure);
}
