using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Training.Simulation.Planning;

/// <summary>What a step is expected to take, and where the time goes: the parts follow each other and make up the step.</summary>
/// <param name="Compute">Computing gradients, on a node with the average share.</param>
/// <param name="Waiting">For the slowest node's gradient.</param>
/// <param name="Gradients">From when the last gradient is computed to when the last server has it, as far as nothing else is done by then.</param>
/// <param name="Update">The last piece's update.</param>
/// <param name="Weights">From the last update to when an average node has all weights.</param>
public sealed record StepForecast(TimeSpan Compute, TimeSpan Waiting, TimeSpan Gradients, TimeSpan Update, TimeSpan Weights)
{
    /// <summary>What the cores of the machine do in a step that all nodes share; nothing where each has a machine of its own.</summary>
    public MachineUse Cores { get; init; } = MachineUse.None;

    /// <summary>What a checkpoint delays the steps around it by, all together; zero where it is not planned.</summary>
    public TimeSpan Checkpoint { get; init; }

    /// <summary>The whole step, where no checkpoint is written.</summary>
    public TimeSpan Step => Compute + Waiting + Gradients + Update + Weights;

    /// <summary>The average of several steps.</summary>
    public static StepForecast Average(IReadOnlyCollection<StepForecast> steps)
    {
        TimeSpan Of(Func<StepForecast, TimeSpan> part) => TimeSpan.FromSeconds(steps.Average(step => part(step).TotalSeconds));
        return new StepForecast(Of(step => step.Compute), Of(step => step.Waiting), Of(step => step.Gradients), Of(step => step.Update), Of(step => step.Weights));
    }
}
