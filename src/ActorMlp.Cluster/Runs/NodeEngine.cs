using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node computes with in a run: its copy of the weights, one engine over one pool. Work is done in the order in which it was asked for.</summary>
/// <param name="setup">The run.</param>
/// <param name="pool">The threads that compute.</param>
internal sealed class NodeEngine(RunSetup setup, ComputePool pool)
{
    private readonly GradientEngine engine = new(setup.Network, pool);
    private readonly SharedBuffers gradients = new(setup.Network.Layout.Length);

    /// <summary>The node's weights.</summary>
    public WeightsCopy Weights { get; } = new(setup.Network.Layout.Length);

    /// <summary>Computes a subtree's gradient.</summary>
    /// <param name="task">The step and the subtree.</param>
    /// <param name="ends">Where pieces end.</param>
    /// <param name="ready">Called on the pool for each piece when it is final, with the buffer that it is in.</param>
    /// <returns>Totals, and the gradient in a buffer to be released.</returns>
    public Task<(GradientTotals Totals, SharedBuffer Gradient, TimeSpan Busy)> ComputeAsync(
        ComputeSubtree task, IReadOnlyList<int> ends, Action<int, GradientTotals, SharedBuffer> ready) => pool.Enqueue(() =>
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        SharedBuffer gradient = gradients.Rent();
        GradientTotals totals = engine.ComputeGradient(
            setup.BatchOf(task.Step), task.Node, Weights.Current, gradient.Span, ends, (piece, sums) => ready(piece, sums, gradient));
        return (totals, gradient, System.Diagnostics.Stopwatch.GetElapsedTime(began));
    });

    /// <summary>Evaluates blocks of a split.</summary>
    public Task<BlocksEvaluated> EvaluateAsync(EvaluateBlocks command) => pool.Enqueue(() =>
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = setup.EvaluateBlock(engine, command.Split, command.FirstBlock + i, Weights.Current);
        }

        return new BlocksEvaluated(command.Evaluation, command.FirstBlock, totals);
    });

    /// <summary>Makes the staged weights the current ones, once what was asked for before is done.</summary>
    public Task<bool> AdoptAsync() => pool.Enqueue(() =>
    {
        Weights.Adopt();
        return true;
    });
}
