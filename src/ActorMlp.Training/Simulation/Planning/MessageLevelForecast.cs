namespace ActorMlp.Training.Simulation.Planning;

/// <summary>What the state machines of the real thing do with a plan, message by message: exact in the simulator's terms, and quadratic in nodes.</summary>
public static class MessageLevelForecast
{
    /// <summary>The most nodes for which messages are simulated one by one.</summary>
    public const int MostNodes = 64;

    private const int WarmUp = 3;
    private const int Measured = 12;

    /// <summary>Two checkpoints fall among the steps that are measured, and both are over before the last.</summary>
    private const int CheckpointEverySteps = 6;
    private const int Checkpoints = 2;

    /// <summary>Simulates some steps; where all nodes share a machine, the same steps with checkpoints too.</summary>
    /// <param name="plan">The run and its cluster.</param>
    /// <param name="seed">Decides the noise.</param>
    /// <returns>An average step, what a checkpoint adds, and the simulation of the steps without.</returns>
    public static (StepForecast Step, SimulationResult Result) Run(ClusterPlan plan, ulong seed)
    {
        (StepForecast step, SimulationResult result) = Run(plan, seed, 0);
        if (plan.Machine is null)
        {
            return (step, result);
        }

        TimeSpan longer = Run(plan, seed, CheckpointEverySteps).Step.Step - step.Step;
        return (step with { Checkpoint = longer > TimeSpan.Zero ? longer * Measured / Checkpoints : TimeSpan.Zero }, result);
    }

    private static (StepForecast Step, SimulationResult Result) Run(ClusterPlan plan, ulong seed, int checkpointEverySteps)
    {
        var timer = new StepTimer(plan.ComputingNodes);
        var model = new ModelledModel(plan, WarmUp + Measured, checkpointEverySteps, timer);
        var simulation = new ClusterSimulation(model, new SimulationOptions
        {
            Standbys = plan.Standbys,
            Machine = plan.Machine,
            Noise = plan.Noise,
            StragglerFactor = 0,
            Nodes = plan.Nodes,
            Servers = plan.Servers,
            MinimumWorkers = plan.Nodes,
            Seed = seed,
            Link = plan.Link,
            ShardTime = plan.ShardTime,
            UpdateTime = plan.UpdateTime,
            Limit = TimeSpan.MaxValue,
            Observer = timer,
        });
        model.Now = () => simulation.Now;
        model.Use = () => simulation.Use;
        SimulationResult result = simulation.Run();
        return result.Violation is { } violation
            ? throw new InvalidOperationException($"the undisturbed simulation failed: {violation}")
            : (timer.Average(WarmUp), result);
    }

    /// <summary>Bytes that all nodes together sent to each other, for an average step.</summary>
    public static double BytesPerStep(SimulationResult result) =>
        (double)result.Traffic.Where(pair => pair.Key is { From: >= 0, To: >= 0 }).Sum(pair => pair.Value.Bulk) / (WarmUp + Measured);
}
