using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Compute;

/// <summary>
/// The weights and the optimizer of a process. Only jobs on the compute pool touch them while a step is open, one at a time; so an update never
/// runs beside a gradient, and a late gradient of a step that is already committed reads newer weights, but is dropped as stale.
/// </summary>
public sealed class ParameterStore
{
    private readonly AlignedBuffer parameters;

    /// <summary>Initial weights for a run.</summary>
    public ParameterStore(RunSetup setup, ComputePool pool)
    {
        parameters = new AlignedBuffer(setup.Network.Layout.Length);
        setup.Network.Initialize(setup.Options.Training.Seed, parameters.Span);
        Updater = new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool);
    }

    /// <summary>The flat parameter vector.</summary>
    public Span<float> Parameters => parameters.Span;

    /// <summary>The flat parameter vector.</summary>
    public Memory<float> Memory => parameters.Memory;

    /// <summary>The optimizer with its state.</summary>
    public ParameterUpdater Updater { get; }
}
