using ActorMlp.Training.Simulation.Planning;

namespace ActorMlp.Cli.Simulations;

/// <summary>What is expected of a number of nodes.</summary>
/// <param name="Plan">The run on them.</param>
/// <param name="Step">An average step.</param>
/// <param name="BytesPerStep">Bytes that nodes send to each other in a step.</param>
/// <param name="ByMessages">Whether messages were simulated one by one.</param>
internal sealed record PlannedPoint(ClusterPlan Plan, StepForecast Step, double BytesPerStep, bool ByMessages)
{
    public double StepsPerSecond => Plan.Shape.StepsPerEpoch / Epoch.TotalSeconds;

    public double SamplesPerSecond => Plan.RowsPerStep * StepsPerSecond;

    /// <summary>An epoch's steps and, where they are planned, its checkpoints; evaluation comes on top.</summary>
    public TimeSpan Epoch => Step.Step * Plan.Shape.StepsPerEpoch + Checkpoints;

    /// <summary>What an epoch's checkpoints add to it.</summary>
    public TimeSpan Checkpoints => Step.Checkpoint * Plan.CheckpointsOfEpoch;

    /// <summary>Cores that work at a time, where all nodes share a machine; what is asked for at the edges of the steps that count may make a hundredth more than there are.</summary>
    public double? BusyCores => Plan.Machine is { } machine ? Math.Min(machine.Cores, Step.Cores.Total / Step.Step) : null;

    /// <summary>The share of what as many single nodes would do.</summary>
    public double EfficiencyBeside(PlannedPoint one) => SamplesPerSecond / one.SamplesPerSecond / Plan.Nodes;
}
