using ActorMlp.Cli.Configuration;
using ActorMlp.Cluster.Measuring;
using ActorMlp.Data;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Cli.Simulations;

/// <summary>Simulates a run file, or searches for schedules of faults that the protocol does not survive.</summary>
/// <param name="context">What to talk to.</param>
internal sealed class Simulator(CommandContext context)
{
    /// <summary>Virtual time after which a run that has not ended is taken to stand still.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromDays(60);

    /// <summary>Simulates; returns the exit code.</summary>
    public int Run(SimulateRequest request)
    {
        FaultScriptFile faults = request.FaultScript is { } path ? FaultScriptFile.Load(path) : new FaultScriptFile(FaultScript.None, []);
        RunFile? file = request.ConfigurationFile is { } configuration ? RunFile.Load(configuration, request.Overrides) : null;
        string[] problems = [.. faults.Problems.Concat(file?.Problems ?? []).Select(problem => problem.ToString())];
        if (problems.Length > 0)
        {
            return context.BadInput(problems);
        }

        FaultScript? script = request.FaultScript is null ? null : faults.Script;
        if (request.Compute == SimulatedCompute.Checking)
        {
            return new FaultSearch(context).Run(request, script);
        }

        ConsistencyRule rule = ConsistencyRule.Of(file!.Options.Training.Consistency);
        if (rule.Mode != ConsistencyMode.Bsp && request.Compute == SimulatedCompute.Modelled)
        {
            return context.BadInput([$"training.consistency.mode: is {OptionsReflection.Camel(rule.Mode.ToString())}; a run is planned (--compute modelled) with bsp"]);
        }

        if (rule.ProblemWith(request.Nodes, file.Options.Training.ShardsPerStep) is { } problem)
        {
            return context.BadInput([$"{problem} (--nodes {request.Nodes})"]);
        }

        using LoadedData data = DataLoader.Load(file.Options.Data, file.Options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
        context.TellOfCache(data);
        var setup = new RunSetup(file.Options, data);
        if (request.Cores is { } cores)
        {
            MessageCosts costs = request.Speed is null ? MessageCostMeter.MeasureAsync(setup).GetAwaiter().GetResult() : MessageCosts.Assumed;
            return new Planner(context).Run(request, setup, new SharedMachine(setup, cores, request.Speed, costs));
        }

        using var pool = new ComputePool(file.Options.Cluster.Threads);
        NodeSpeed speed = request.Speed is { } samples ? NodeSpeed.Assume(setup, samples) : NodeSpeed.Measure(setup, pool, context.Time);
        return request.Compute == SimulatedCompute.Modelled
            ? new Planner(context).Run(request, setup, speed)
            : Train(request, script ?? FaultScript.None, setup, pool, speed);
    }

    private int Train(SimulateRequest request, FaultScript script, RunSetup setup, ComputePool pool, NodeSpeed speed)
    {
        var options = new SimulationOptions
        {
            Nodes = request.Nodes,
            Servers = request.Servers,
            Standbys = setup.Options.Cluster.Standbys,
            StragglerFactor = setup.Options.Cluster.StragglerFactor,
            MinimumWorkers = Math.Min(request.Nodes, setup.Options.Cluster.MinimumWorkers),
            Seed = request.Seed,
            Link = request.Link,
            ShardTime = speed.ShardTime(setup),
            UpdateTime = speed.UpdateTime,
            Limit = Limit,
            Script = script,
        };
        SimulationResult result = pool.Run(() => Run(new EngineModel(setup, pool), options));
        var report = new SimulationReport(request, setup, speed, result);
        if (request.Json)
        {
            context.Output.WriteLine(report.ToJson());
        }
        else
        {
            context.Output.WriteLine(report.ToText());
        }

        if (result.Violation is { } violation)
        {
            context.Error.WriteLine($"the simulated run failed: {violation}");
            return ExitCode.Failed;
        }

        return ExitCode.Success;
    }

    /// <summary>A run that is made of shares is also replayed from its log.</summary>
    private static SimulationResult Run(EngineModel model, SimulationOptions options)
    {
        SimulationResult result = new ClusterSimulation(model, options).Run();
        return model.Shape.Sharing is null || result.Violation is not null || result.Conclusion is null
            ? result
            : result with { Violation = ReplayedShares.FindProblem(model, result) };
    }
}
