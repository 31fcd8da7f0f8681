using ActorMlp.Training.Machines;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Compute;

/// <summary>How tests and benchmarks reach into the computation of a run in one process.</summary>
/// <param name="BeforeCompute">Called on the compute pool before a worker computes; what it throws, the worker fails of. Null for nothing.</param>
/// <param name="AfterCompute">Called with the gradient of a subtree that was computed for one worker alone. Null for nothing.</param>
/// <param name="Pace">What a worker waits for before it computes, so that it is slow; null for nothing.</param>
internal sealed record TrainingHooks(
    Action<WorkerId, ComputeSubtree>? BeforeCompute = null,
    Action<WorkerId, ComputeSubtree, Memory<float>>? AfterCompute = null,
    Func<WorkerId, Task>? Pace = null)
{
    /// <summary>Does something at a worker's pace.</summary>
    public void Delay(WorkerId worker, Action action)
    {
        if (Pace?.Invoke(worker) is { IsCompleted: false } pace)
        {
            pace.ContinueWith(_ => action(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        else
        {
            action();
        }
    }
}
