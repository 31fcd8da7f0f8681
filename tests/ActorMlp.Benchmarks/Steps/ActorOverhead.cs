using System.Diagnostics;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Data;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Local;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>
/// What actors cost: samples/s of a run with 1, 2 and 4 workers over samples/s of the plain loop, on the same rows and threads. Slices of the
/// variants take turns, so that a change of the machine's speed meets all alike; the hashes are compared first.
/// </summary>
internal static class ActorOverhead
{
    private const int Rows = 51_200;
    private const int Batch = 128;

    public static async Task RunAsync(int rounds)
    {
        LoadedData data = SyntheticData.Create(Rows);
        int[] workers = [1, 2, 4];
        await ValidateAsync(data, workers).ConfigureAwait(false);
        Console.WriteLine($"784-512-256-10, batch {Batch}, 8 shards, momentum, {KernelSelection.Name}; medians of {rounds} interleaved slices of {Rows / Batch} steps");
        foreach (int threads in new[] { 1, 2 })
        {
            var plain = new List<double>();
            var ratios = workers.ToDictionary(count => count, _ => new List<double>());
            for (int round = 0; round <= rounds; round++)
            {
                double loop = Loop(data, threads);
                foreach (int count in workers)
                {
                    double actors = (await ActorsAsync(data, count, threads).ConfigureAwait(false)).SamplesPerSecond;

                    // The plain loop on both sides of each slice of actors: drift cancels.
                    double after = Loop(data, threads);
                    if (round > 0)
                    {
                        ratios[count].Add(actors / ((loop + after) / 2));
                        plain.Add(after);
                    }

                    loop = after;
                }
            }

            Console.WriteLine($"{threads} thread(s): plain loop {Statistics.Median(plain):N0} samples/s");
            foreach (int count in workers)
            {
                Console.WriteLine($"  {count} worker(s)  {100 * Statistics.Median(ratios[count]):0.0} % of the plain loop (from {100 * ratios[count].Min():0.0} to {100 * ratios[count].Max():0.0})");
            }
        }
    }

    private static async Task ValidateAsync(LoadedData data, int[] workers)
    {
        using var pool = new ComputePool(2);
        string expected = new LocalTrainer(new RunSetup(Options(1, 2), data), pool).Train().WeightsSha256;
        foreach (int count in workers)
        {
            string actual = (await ActorsAsync(data, count, 2).ConfigureAwait(false)).WeightsSha256;
            if (actual != expected)
            {
                throw new InvalidOperationException($"{count} workers ended with {actual}, the plain loop with {expected}");
            }
        }
    }

    private static double Loop(LoadedData data, int threads)
    {
        using var pool = new ComputePool(threads);
        var setup = new RunSetup(Options(1, threads), data);
        var trainer = new LocalTrainer(setup, pool);
        return pool.Run(() =>
        {
            trainer.Initialize();
            long began = Stopwatch.GetTimestamp();
            for (long step = 0; step < setup.Shape.TotalSteps; step++)
            {
                trainer.Step(step);
            }

            return Rows / Stopwatch.GetElapsedTime(began).TotalSeconds;
        });
    }

    private static async Task<RunSummary> ActorsAsync(LoadedData data, int workers, int threads)
    {
        string path = Directory.CreateTempSubdirectory("actormlp-").FullName;
        try
        {
            var run = new TrainingRun(
                new RunSetup(Options(workers, threads), data),
                new RunDirectory(path),
                "overhead",
                new TrainingRunServices(NullLoggerFactory.Instance, TimeProvider.System));
            return (await run.TrainAsync(null, new Nobody(), CancellationToken.None).ConfigureAwait(false)).Summary;
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static RunOptions Options(int workers, int threads) => new()
    {
        Model = new ModelOptions { Hidden = [512, 256] },
        Training = new TrainingOptions
        {
            Epochs = 1,
            BatchSize = Batch,
            Optimizer = new OptimizerOptions { Kind = Engine.Optimizers.OptimizerKind.Momentum, LearningRate = 0.01 },
        },
        Cluster = new ClusterOptions { Workers = workers, Threads = threads },
    };

    private sealed class Nobody : IProgress<RunEvent>
    {
        public void Report(RunEvent value)
        {
        }
    }
}
