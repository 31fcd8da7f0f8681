using System.Globalization;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Engine.Numerics;
using ActorMlp.Training.Runs;

namespace ActorMlp.Benchmarks.Processes;

/// <summary>
/// What node processes bring: samples per second of one and of two with one thread each, beside one process with two threads, and beside PyTorch's
/// DistributedDataParallel; and what nodes send, against what sharded parameter servers must. All take turns; hashes and losses are compared first.
/// </summary>
internal static class ProcessBenchmark
{
    private const string OneProcess = "one node process";
    private const string TwoProcesses = "two node processes";
    private const string TwoThreads = "one process, two threads";
    private const string OneDdp = "DDP, one process";
    private const string TwoDdp = "DDP, two processes";

    private static readonly int[] Batches = [2048, 256];
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(15);

    /// <summary>Measures; false where something is missing that it needs.</summary>
    public static async Task<bool> RunAsync(int rounds)
    {
        if (RunCommand.Find(out string missing) is not { } command)
        {
            Console.Error.WriteLine($"skipped: {missing}");
            return false;
        }

        DdpPeer? ddp = DdpPeer.Find();
        if (ddp is null)
        {
            Console.WriteLine("DDP: PyTorch is not installed (tests/peers/ddp/setup.sh); no comparison");
        }

        Console.WriteLine($"784-512-256-10, momentum, {KernelSelection.Name}, {Environment.ProcessorCount} cores; load {Load()}");
        foreach (int batch in Batches)
        {
            await CountBytesAsync(command, batch).ConfigureAwait(false);
        }

        if (ddp is not null)
        {
            await CompareLossesAsync(ddp).ConfigureAwait(false);
        }

        Console.WriteLine(
            $"medians of {rounds} interleaved rounds, each of {Span.TotalSeconds} s of steady state; our runs write a checkpoint after each epoch, DDP none");
        foreach (int batch in Batches)
        {
            await MeasureAsync(command, ddp, batch, rounds).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>One hash however many processes train, and what each of them sends.</summary>
    private static async Task CountBytesAsync(RunCommand command, int batch)
    {
        const int Epochs = 3;
        string expected = (await command.TrainAsync(new RunParty(0, 2), batch, Epochs).ConfigureAwait(false)).WeightsSha256;
        foreach (int processes in new[] { 1, 2, 4 })
        {
            RunSummary summary = await command.TrainAsync(new RunParty(processes, 1), batch, Epochs).ConfigureAwait(false);
            if (summary.WeightsSha256 != expected)
            {
                throw new InvalidOperationException($"{processes} processes ended with {summary.WeightsSha256}, one process alone with {expected}");
            }

            if (processes > 1)
            {
                double bound = 2.0 * (processes - 1) / processes * summary.Parameters * sizeof(float);
                double[] sent = [.. summary.Nodes!.Select(node => node.BytesPerStep)];
                Console.WriteLine(Invariant(
                    $"batch {batch,4}, {processes} processes: bytes per worker and step {sent.Average(),11:N0}, over 2(n-1)/n of the parameters {sent.Average() / bound:0.0000}, of the worker that sends most {sent.Max() / bound:0.0000}"));
            }
        }
    }

    /// <summary>Two processes of the peer train as one does, or its speed would be that of something else.</summary>
    private static async Task CompareLossesAsync(DdpPeer ddp)
    {
        foreach (int batch in Batches)
        {
            DdpResult one = await ddp.MeasureAsync(1, batch, TimeSpan.FromSeconds(1)).ConfigureAwait(false);
            DdpResult two = await ddp.MeasureAsync(2, batch, TimeSpan.FromSeconds(1)).ConfigureAwait(false);
            double apart = one.Losses.Zip(two.Losses, (a, b) => Math.Abs(a - b)).Max();

            // They add in another order.
            if (!(apart <= 1e-4))
            {
                throw new InvalidOperationException($"DDP, batch {batch}: losses of one and two processes are {apart} apart");
            }

            Console.WriteLine(Invariant($"DDP, batch {batch,4}: {two.ComputesWith}; losses of one and two processes at most {apart:0.0e0} apart"));
        }
    }

    private static async Task MeasureAsync(RunCommand command, DdpPeer? ddp, int batch, int rounds)
    {
        async Task<double> RateAsync(RunParty party) => (await command.MeasureAsync(party, batch, WarmUp, Span).ConfigureAwait(false)).SamplesPerSecond;
        var contenders = new List<(string Name, Func<Task<double>> Measure)>
        {
            (OneProcess, () => RateAsync(new RunParty(1, 1))),
            (TwoProcesses, () => RateAsync(new RunParty(2, 1))),
            (TwoThreads, () => RateAsync(new RunParty(0, 2))),
        };
        if (ddp is not null)
        {
            contenders.Insert(1, (OneDdp, async () => (await ddp.MeasureAsync(1, batch, Span).ConfigureAwait(false)).SamplesPerSecond));
            contenders.Insert(3, (TwoDdp, async () => (await ddp.MeasureAsync(2, batch, Span).ConfigureAwait(false)).SamplesPerSecond));
        }

        var rates = contenders.ToDictionary(contender => contender.Name, _ => new List<double>());
        for (int round = 1; round <= rounds; round++)
        {
            foreach ((string name, Func<Task<double>> measure) in contenders)
            {
                rates[name].Add(await measure().ConfigureAwait(false));
            }

            Console.Error.WriteLine($"batch {batch}, round {round} of {rounds}: {string.Join(", ", rates.Select(one => Invariant($"{one.Key} {one.Value[^1]:N0}")))}; load {Load()}");
        }

        Console.WriteLine($"batch {batch}");
        foreach ((string name, List<double> found) in rates)
        {
            Console.WriteLine(Invariant($"  {name,-25} {Statistics.Median(found),8:N0} samples/s ({found.Min():N0} to {found.Max():N0})"));
        }

        Ratio(rates, TwoProcesses, OneProcess);
        Ratio(rates, TwoProcesses, TwoThreads);
        if (ddp is not null)
        {
            Ratio(rates, TwoDdp, OneDdp);
            Ratio(rates, OneProcess, OneDdp);
            Ratio(rates, TwoProcesses, TwoDdp);
        }
    }

    private static void Ratio(Dictionary<string, List<double>> rates, string name, string reference)
    {
        double[] ratios = [.. rates[name].Zip(rates[reference], (rate, other) => rate / other)];
        Console.WriteLine(Invariant($"  {name} over {reference}: {Statistics.Median(ratios):0.00} ({ratios.Min():0.00} to {ratios.Max():0.00})"));
    }

    private static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
