using System.Text.Json.Nodes;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Views;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Cli.Simulations;

/// <summary>Runs small clusters under faults, seed after seed, until something does not hold.</summary>
/// <param name="context">What to talk to.</param>
internal sealed class FaultSearch(CommandContext context)
{
    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(5);

    /// <summary>Searches; returns the exit code.</summary>
    /// <param name="request">Which seeds.</param>
    /// <param name="script">Faults in the place of random ones; null for random ones.</param>
    public int Run(SimulateRequest request, FaultScript? script)
    {
        ulong last = request.LastSeed ?? request.Seed;
        long began = context.Time.GetTimestamp(), told = began;
        long struck = 0, skipped = 0, events = 0;
        for (ulong seed = request.Seed; ; seed++)
        {
            SearchCase one = SearchCase.Of(seed, request.Link);
            one = script is null ? one : one.With(script);
            (SimulationResult? result, string? problem) = one.Run();
            if (problem is not null)
            {
                return Report(request, one, problem);
            }

            struck += result!.Faults.Count(fault => fault.Skipped is null);
            skipped += result.Faults.Count(fault => fault.Skipped is not null);
            events += result.EventCount;
            if (seed == last)
            {
                break;
            }

            if (context.Time.GetElapsedTime(told) > Progress)
            {
                told = context.Time.GetTimestamp();
                context.Error.WriteLine($"seeds {request.Seed}..{seed} hold, {PerSecond(seed - request.Seed + 1, began)} seeds/s");
            }
        }

        ulong count = last - request.Seed + 1;
        if (request.Json)
        {
            context.Output.WriteLine(new JsonObject
            {
                ["firstSeed"] = request.Seed,
                ["lastSeed"] = last,
                ["faultsStruck"] = struck,
                ["faultsSkipped"] = skipped,
                ["events"] = events,
                ["violation"] = null,
            }.ToJsonString());
        }
        else
        {
            context.Output.WriteLine(
                $"seeds {request.Seed}..{last} hold: {Figures.Count(struck)} faults struck, {Figures.Count(skipped)} found nobody to strike, "
                + $"{Figures.Count(events)} events, {PerSecond(count, began)} seeds/s");
        }

        return ExitCode.Success;
    }

    private int Report(SimulateRequest request, SearchCase failed, string problem)
    {
        FaultScript script = FaultShrinker.Shrink(failed.Options.Script, candidate => failed.With(candidate).FindProblem() is not null);
        string yaml = FaultScriptText.ToYaml(script);
        (SimulationResult? result, string? shown) = failed.With(script).Run();
        if (request.Json)
        {
            context.Output.WriteLine(new JsonObject
            {
                ["seed"] = failed.Seed,
                ["violation"] = problem,
                ["shrunkViolation"] = shown,
                ["faults"] = yaml,
            }.ToJsonString());
        }
        else
        {
            context.Output.WriteLine($"seed {failed.Seed} fails: {problem}");
            context.Output.WriteLine(
                $"# {OptionsReflection.Camel((failed.Model.Shape.Sharing?.Rule.Mode ?? ConsistencyMode.Bsp).ToString())}, {failed.Options.Nodes} nodes, {failed.Options.Servers ?? failed.Options.Nodes} parameter servers; {failed.Options.Script.Faults.Count} faults, "
                + $"shrunk to {script.Faults.Count}; fails with: {shown}");
            context.Output.WriteLine($"# actormlp simulate --compute checking --seed {failed.Seed} --link {LinkText.Format(failed.Options.Link)} --faults FILE");
            foreach (string line in (result?.Faults ?? []).Select(SimulationReport.Describe).Concat((result?.Events ?? []).Select(PlainRunView.Notice).OfType<string>()))
            {
                context.Output.WriteLine($"# {line}");
            }

            context.Output.Write(yaml);
        }

        return ExitCode.Failed;
    }

    private string PerSecond(ulong count, long began) => Figures.Count(count / Math.Max(1e-9, context.Time.GetElapsedTime(began).TotalSeconds));
}
