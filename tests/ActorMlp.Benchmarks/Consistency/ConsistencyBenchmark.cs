using System.Globalization;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Consistency;

/// <summary>
/// The modes of consistency beside bsp: accuracy on the digits, over seeds; then samples per second with four workers of which none, one or any is slow. Modes take turns, so that
/// a change of the machine's speed meets all alike.
/// </summary>
internal static class ConsistencyBenchmark
{
    private const int Seeds = 5;

    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(10);

    private static readonly (string Name, ConsistencyOptions Options)[] Modes =
    [
        ("bsp", new ConsistencyOptions()),
        ("ssp, staleness 2", new ConsistencyOptions { Mode = ConsistencyMode.Ssp }),
        ("async", new ConsistencyOptions { Mode = ConsistencyMode.Async }),
        ("backup, 1 of 4", new ConsistencyOptions { Mode = ConsistencyMode.Backup }),
        ("local, every 8 steps", new ConsistencyOptions { Mode = ConsistencyMode.Local }),
    ];

    public static async Task RunAsync(int rounds, string digits)
    {
        Console.WriteLine($"{KernelSelection.Name}, 4 workers, 2 threads");
        await AccuracyAsync(digits).ConfigureAwait(false);
        await ThroughputAsync(digits, rounds).ConfigureAwait(false);
    }

    private static async Task AccuracyAsync(string digits)
    {
        Console.WriteLine($"accuracy on the digits' test rows, 40 epochs, seeds 1 to {Seeds}: mean (lowest to highest)");
        foreach ((string name, ConsistencyOptions mode) in Modes)
        {
            var found = new List<double>();
            for (ulong seed = 1; seed <= Seeds; seed++)
            {
                RunSummary summary = await TrainAsync(Digits(digits, 40, seed, mode), SlowWorkers.None()).ConfigureAwait(false);
                found.Add(summary.Test!.Accuracy!.Value);
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {name,-22} {100 * found.Average():0.00} % ({100 * found.Min():0.00} to {100 * found.Max():0.00})"));
        }
    }

    private static async Task ThroughputAsync(string digits, int rounds)
    {
        (string Name, Func<Func<WorkerId, Task>> Pace)[] machines =
        [
            ("nobody is slow", SlowWorkers.None),
            ("worker 0 waits 10 ms before each step", () => SlowWorkers.OneAlways(Wait, TimeProvider.System)),
            ("any worker waits 10 ms, one step in 20", () => SlowWorkers.AnyNowAndThen(Wait, 20, TimeProvider.System)),
        ];
        foreach ((string machine, Func<Func<WorkerId, Task>> pace) in machines)
        {
            var speeds = Modes.ToDictionary(mode => mode.Name, _ => new List<double>());
            for (int round = 0; round <= rounds; round++)
            {
                foreach ((string name, ConsistencyOptions mode) in Modes)
                {
                    RunSummary summary = await TrainAsync(Digits(digits, 5, 1, mode), pace()).ConfigureAwait(false);
                    if (round > 0)
                    {
                        speeds[name].Add(summary.SamplesPerSecond);
                    }
                }
            }

            Console.WriteLine($"{machine}: samples/s over those of bsp, medians of {rounds} rounds of 5 epochs (lowest to highest)");
            for (int i = 0; i < Modes.Length; i++)
            {
                List<double> ratios = [.. speeds[Modes[i].Name].Zip(speeds["bsp"], (speed, bsp) => speed / bsp)];
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {Modes[i].Name,-22} {Statistics.Median(speeds[Modes[i].Name]),9:N0} samples/s  {Statistics.Median(ratios):0.00} ({ratios.Min():0.00} to {ratios.Max():0.00})"));
            }
        }
    }

    private static RunOptions Digits(string file, int epochs, ulong seed, ConsistencyOptions mode) => new()
    {
        Data = new DataOptions { Train = file, Header = false, Target = "c64", TestFraction = 0.2, ValidationFraction = 0.1 },
        Model = new ModelOptions { Hidden = [256, 128], Dropout = [0.4, 0.3] },
        Training = new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = 64,
            Seed = seed,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, LearningRate = 0.002, WeightDecay = 0.05 },
            Schedule = new ScheduleOptions { Kind = ScheduleKind.Cosine, WarmupEpochs = 2 },
            Consistency = mode,
        },
        Cluster = new ClusterOptions { Workers = 4, Threads = 2 },
        Output = new OutputOptions { Plot = false },
    };

    private static async Task<RunSummary> TrainAsync(RunOptions options, Func<WorkerId, Task> pace)
    {
        var directory = new RunDirectory(Directory.CreateTempSubdirectory("actormlp-").FullName);
        try
        {
            directory.Create();
            using LoadedData data = DataLoader.Load(options.Data, options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
            var run = new TrainingRun(
                new RunSetup(options, data), directory, "consistency", new TrainingRunServices(NullLoggerFactory.Instance, TimeProvider.System, Pace: pace));
            return (await run.TrainAsync(null, new Nobody(), CancellationToken.None).ConfigureAwait(false)).Summary;
        }
        finally
        {
            Directory.Delete(directory.Path, recursive: true);
        }
    }

    private sealed class Nobody : IProgress<RunEvent>
    {
        public void Report(RunEvent value)
        {
        }
    }
}
