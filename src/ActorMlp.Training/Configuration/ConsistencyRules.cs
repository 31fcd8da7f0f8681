using System.Text.Json;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Encodings;

namespace ActorMlp.Training.Configuration;

/// <summary>The rules of the section <c>training.consistency</c> across keys.</summary>
internal static class ConsistencyRules
{
    private const string Section = "training.consistency.";

    public static IEnumerable<OptionProblem> Check(RunOptions options)
    {
        ConsistencyOptions chosen = options.Training.Consistency, defaults = new();
        foreach ((string key, bool differs, int value, ConsistencyMode of) in new[]
        {
            ("staleness", chosen.Staleness != defaults.Staleness, chosen.Staleness, ConsistencyMode.Ssp),
            ("backups", chosen.Backups != defaults.Backups, chosen.Backups, ConsistencyMode.Backup),
            ("averageEvery", chosen.AverageEvery != defaults.AverageEvery, chosen.AverageEvery, ConsistencyMode.Local),
        })
        {
            if (differs && chosen.Mode != of)
            {
                yield return new OptionProblem(
                    Section + key, $"is {value}, but has no effect with mode {Camel(chosen.Mode)}; set mode: {Camel(of)}, or leave it out");
            }
        }

        int shares = Math.Min(options.Cluster.Workers, options.Training.ShardsPerStep);
        if (chosen.Mode == ConsistencyMode.Backup && chosen.Backups >= shares)
        {
            yield return new OptionProblem(
                Section + "backups",
                $"is {chosen.Backups}, but only {shares} workers share a step (cluster.workers, training.shardsPerStep); allowed: 0 to {shares - 1}");
        }

        if (chosen.Mode != ConsistencyMode.Bsp && options.Training.Encoding.Kind != GradientEncodingKind.Float32)
        {
            yield return new OptionProblem(
                Section + "mode", $"is {Camel(chosen.Mode)}, which sends gradients as they are; allowed: bsp, or training.encoding.kind: float32");
        }
    }

    private static string Camel(ConsistencyMode mode) => JsonNamingPolicy.CamelCase.ConvertName(mode.ToString());
}
