using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Benchmarks.Reports;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>
/// Whole training steps beside TorchSharp's: same network, rows, weights and optimizer, in two processes that take turns and are bound to the same
/// processors. Losses are compared first.
/// </summary>
internal static class StepBenchmark
{
    private const int Rows = 8192;
    private const int ComparedSteps = 20;
    private const long Nursery = 1L << 30;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(200);

    public static IReadOnlyList<Measurement>? Run(int rounds)
    {
        if (PeerProgram.Find("TorchSharp") is not { } peer)
        {
            Console.Error.WriteLine("The peer is not there; build it with: tests/peers/setup.sh");
            return null;
        }

        string data = Path.Combine(Path.GetTempPath(), $"actormlp-step-{Environment.ProcessId}.bin");
        SyntheticData.CreateStepData(Rows).Save(data);
        try
        {
            Console.WriteLine($"training steps, {KernelSelection.Name}; medians of {rounds} interleaved slices of {Slice.TotalMilliseconds} ms; 32 rows a shard, 16 shards at most");
            Console.WriteLine($"{"network",-15} {"optimizer",-9} {"batch",5} {"threads",7} {"engine/s",10} {"TorchSharp/s",12} {"ratio",6}");
            var found = new List<Measurement>();
            foreach (int threads in new[] { 1, 2 })
            {
                found.AddRange(Compare(peer, data, threads, rounds));
            }

            Scale(data, rounds);
            return found;
        }
        finally
        {
            File.Delete(data);
        }
    }

    private static List<Measurement> Compare(PeerProgram peer, string data, int threads, int rounds)
    {
        using StepProcess engine = StepProcess.Engine(threads);
        using StepProcess torch = StepProcess.Peer("TorchSharp", peer, threads, Nursery);
        var found = new List<Measurement>();
        foreach (int[] network in new int[][] { [784, 128, 10], [784, 512, 256, 10] })
        {
            foreach (string optimizer in new[] { "momentum", "adam" })
            {
                foreach (int batch in new[] { 32, 128, 1024 })
                {
                    var task = new StepTask(network, batch, optimizer, optimizer == "adam" ? 0.001 : 0.01, threads, data);
                    engine.Configure(task);
                    torch.Configure(task);
                    CheckLosses(engine.Losses(ComparedSteps), torch.Losses(ComparedSteps), task);
                    (double ours, double theirs, double ratio) = Measure(engine, torch, batch, rounds);
                    found.Add(new Measurement($"TorchSharp, {KernelSelection.Name}, {(threads == 1 ? "1 thread" : $"{threads} threads")}", $"{string.Join('-', network)}\n{optimizer}\n{batch}", ratio));
                    Console.WriteLine($"{string.Join('-', network),-15} {optimizer,-9} {batch,5} {threads,7} {ours,10:N0} {theirs,12:N0} {ratio,6:0.00}");
                }
            }
        }

        Console.WriteLine($"{threads} thread(s): geometric mean {Statistics.GeometricMean(found.Select(one => one.Ratio)):0.00}, least {found.Min(one => one.Ratio):0.00}");
        return found;
    }

    /// <summary>What a second thread brings.</summary>
    private static void Scale(string data, int rounds)
    {
        using StepProcess one = StepProcess.Engine(1), two = StepProcess.Engine(2);
        foreach (int batch in new[] { 32, 128, 1024 })
        {
            var task = new StepTask([784, 512, 256, 10], batch, "momentum", 0.01, 1, data);
            one.Configure(task);
            two.Configure(task with { Threads = 2 });
            double ratio = Measure(two, one, batch, rounds).Ratio;
            Console.WriteLine($"784-512-256-10, momentum, batch {batch}: two threads over one {ratio:0.00}");
        }
    }

    private static (double Ours, double Theirs, double Ratio) Measure(StepProcess engine, StepProcess torch, int batch, int rounds)
    {
        int ourSteps = StepsFor(engine), theirSteps = StepsFor(torch);
        var ours = new List<double>();
        var theirs = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            ours.Add(ourSteps * batch / engine.Time(ourSteps));
            theirs.Add(theirSteps * batch / torch.Time(theirSteps));
        }

        return (Statistics.Median(ours), Statistics.Median(theirs), Statistics.Median(ours.Zip(theirs, (a, b) => a / b)));
    }

    /// <summary>Enough steps for a slice; the first ones warm up.</summary>
    private static int StepsFor(StepProcess process)
    {
        process.Time(20);
        return Math.Max(1, (int)(Slice.TotalSeconds / (process.Time(20) / 20)));
    }

    private static void CheckLosses(double[] ours, double[] theirs, StepTask task)
    {
        for (int step = 0; step < ours.Length; step++)
        {
            // Rounding differs from the first step on and training amplifies it, Adam most.
            if (!(Math.Abs(ours[step] - theirs[step]) <= 2e-3 * Math.Max(1, Math.Abs(theirs[step]))))
            {
                throw new InvalidOperationException(
                    $"{task.ToLine()}: the loss of step {step} is {ours[step]} here and {theirs[step]} by TorchSharp");
            }
        }
    }
}
