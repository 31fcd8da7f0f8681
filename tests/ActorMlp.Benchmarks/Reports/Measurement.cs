using System.Text.Json;

namespace ActorMlp.Benchmarks.Reports;

/// <summary>A ratio that a benchmark found.</summary>
/// <param name="Series">What was compared with what, under which kernels and threads.</param>
/// <param name="Case">On what.</param>
/// <param name="Ratio">The median ratio, above 1 where the engine is faster.</param>
internal sealed record Measurement(string Series, string Case, double Ratio);

/// <summary>The ratios of a run of a benchmark, kept in a file where that is asked for.</summary>
internal static class Measurements
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the ratios, rounded as they are quoted.</summary>
    public static void Save(string path, IEnumerable<Measurement> measurements) => File.WriteAllText(
        path, JsonSerializer.Serialize(measurements.Select(measurement => measurement with { Ratio = Math.Round(measurement.Ratio, 3) }), Format) + "\n");

    /// <summary>Reads files of <see cref="Save"/>.</summary>
    public static IReadOnlyList<Measurement> Load(IEnumerable<string> paths) =>
        [.. paths.SelectMany(path => JsonSerializer.Deserialize<Measurement[]>(File.ReadAllText(path)) ?? [])];
}
