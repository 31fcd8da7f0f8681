using System.Globalization;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Processes;

/// <summary>
/// What <c>simulate --cores --speed measured</c> predicts of 1, 2 and 4 processes on this machine, beside what <c>train --processes</c> does: they take turns. A figure
/// that was taken while others used the machine is told as such, and does not count if there is one without.
/// </summary>
/// <remarks>
/// All code is compiled at once (<c>DOTNET_TieredCompilation=0</c>), on both sides: four processes on two cores would otherwise be busy with compiling for more than a minute.
/// </remarks>
internal static class CalibrationBenchmark
{
    /// <summary>What others may use of a core while a figure is taken that counts as quiet.</summary>
    private const double Quiet = 0.08;

    private static readonly int[] Batches = [2048, 256];
    private static readonly int[] Counts = [1, 2, 4];

    // Four processes of a large network get faster for some six epochs: 12,000 to 18,000 samples/s within 20 s.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(6);

    /// <summary>Measures; false where something is missing that it needs.</summary>
    /// <param name="rounds">How many times each figure is taken.</param>
    /// <param name="batches">Rows of a step; null for all.</param>
    /// <param name="hidden">Units of the hidden layers, with commas between them.</param>
    public static async Task<bool> RunAsync(int rounds, int? batches, string hidden)
    {
        if (RunCommand.Find(out string missing, hidden) is not { } command)
        {
            Console.Error.WriteLine($"skipped: {missing}");
            return false;
        }

        int cores = Environment.ProcessorCount;
        Console.WriteLine($"784-{hidden.Replace(',', '-')}-10, momentum, {KernelSelection.Name}, {cores} cores; samples/s, medians of {rounds} interleaved rounds");
        Console.WriteLine("batch  processes  threads  predicted  measured  predicted/measured (least to most)  quiet rounds of both");
        foreach (int batch in batches is { } only ? [only] : Batches)
        {
            var predicted = Counts.ToDictionary(count => count, _ => new List<MeasuredRate>());
            var measured = Counts.ToDictionary(count => count, _ => new List<MeasuredRate>());
            for (int round = 1; round <= rounds; round++)
            {
                foreach (int count in Counts)
                {
                    var party = new RunParty(count, Math.Max(1, cores / count)) { CompilesAtOnce = true };
                    predicted[count].Add(await command.PredictAsync(party, cores, batch).ConfigureAwait(false));
                    measured[count].Add(await command.MeasureAsync(party, batch, WarmUp, Span).ConfigureAwait(false));
                    Console.Error.WriteLine(Invariant(
                        $"batch {batch}, {count} processes, round {round} of {rounds}: predicted {Tell(predicted[count][^1])}, measured {Tell(measured[count][^1])}"));
                }
            }

            foreach (int count in Counts)
            {
                (double foretold, int quietForetold) = Median(predicted[count]);
                (double found, int quietFound) = Median(measured[count]);
                double[] ratios = [.. predicted[count].Zip(measured[count], (one, other) => one.SamplesPerSecond / other.SamplesPerSecond)];
                Console.WriteLine(Invariant(
                    $"{batch,5}  {count,9}  {Math.Max(1, cores / count),7}  {foretold,9:N0}  {found,8:N0}  {foretold / found,18:0.00} ({ratios.Min():0.00} to {ratios.Max():0.00})  {quietForetold} and {quietFound} of {rounds}"));
            }
        }

        return true;
    }

    /// <summary>Of those that nobody disturbed; of all if there is none.</summary>
    private static (double Median, int Quiet) Median(List<MeasuredRate> rates)
    {
        MeasuredRate[] quiet = [.. rates.Where(rate => rate.OtherCores < Quiet)];
        return (Statistics.Median((quiet.Length > 0 ? quiet : [.. rates]).Select(rate => rate.SamplesPerSecond)), quiet.Length);
    }

    private static string Tell(MeasuredRate rate) => Invariant($"{rate.SamplesPerSecond:N0}") + (rate.OtherCores < Quiet ? "" : Invariant($" (others used {rate.OtherCores:0.00} cores)"));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
