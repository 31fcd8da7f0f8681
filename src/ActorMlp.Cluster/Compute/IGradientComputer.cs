using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Compute;

/// <summary>What a worker computes with; the seam at which tests make a worker fail.</summary>
public interface IGradientComputer
{
    /// <summary>Computes a subtree's gradient sum. Called on the compute pool.</summary>
    /// <param name="worker">For whom.</param>
    /// <param name="task">The step and the subtree.</param>
    /// <param name="gradientSum">Receives the sum, in the layout of the parameters.</param>
    GradientTotals ComputeGradient(WorkerId worker, ComputeSubtree task, Span<float> gradientSum);

    /// <summary>Evaluates blocks of a split. Called on the compute pool.</summary>
    /// <param name="command">Which.</param>
    EvaluationTotals[] Evaluate(EvaluateBlocks command);
}

/// <summary>
/// One engine per process, whatever the number of its workers: their jobs follow each other on the compute pool, each over all threads.
/// Weights are read where the parameter server of the process writes them, so nothing is copied.
/// </summary>
/// <param name="setup">The run.</param>
/// <param name="store">The weights.</param>
/// <param name="pool">The threads that compute.</param>
public sealed class EngineGradientComputer(RunSetup setup, ParameterStore store, ComputePool pool) : IGradientComputer
{
    private readonly GradientEngine engine = new(setup.Network, pool);

    /// <inheritdoc/>
    public GradientTotals ComputeGradient(WorkerId worker, ComputeSubtree task, Span<float> gradientSum) =>
        engine.ComputeGradient(setup.BatchOf(task.Step), task.Node, store.Parameters, gradientSum);

    /// <inheritdoc/>
    public EvaluationTotals[] Evaluate(EvaluateBlocks command)
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = setup.EvaluateBlock(engine, command.Split, command.FirstBlock + i, store.Parameters);
        }

        return totals;
    }
}
