using ActorMlp.Benchmarks.Steps;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Benchmarks.Memory;

/// <summary>
/// Peak resident memory of a process that trains, over that of one that trains next to nothing, against <see cref="MemoryBound"/> and TorchSharp.
/// </summary>
internal static class MemoryBenchmark
{
    private const int Rows = 8192;
    private const int Threads = 2;
    private const int Steps = 5;
    private const double Megabyte = 1e6;

    private static readonly (int[] Layers, int Batch)[] Tasks =
    [
        ([784, 512, 256, 10], 128), ([784, 512, 256, 10], 8192), ([784, 4096, 4096, 10], 128), ([784, 4096, 4096, 10], 8192),
    ];

    public static void Run()
    {
        PeerProgram? peer = PeerProgram.Find("TorchSharp");
        if (peer is null)
        {
            Console.WriteLine("TorchSharp: not built (tests/peers/setup.sh); no comparison");
        }

        string data = Path.Combine(Path.GetTempPath(), $"actormlp-memory-{Environment.ProcessId}.bin");
        SyntheticData.CreateStepData(Rows).Save(data);
        try
        {
            Console.WriteLine($"peak resident memory over a process with a network of 784-16-10; adam, {Threads} threads");
            Console.WriteLine($"{"network",-17} {"batch",5} {"bound MB",9} {"engine MB",10} {"TorchSharp MB",14}");
            double engineBase = Peak(null, new StepTask([784, 16, 10], 32, "adam", 0.001, Threads, data));
            double? torchBase = peer is null ? null : Peak(peer, new StepTask([784, 16, 10], 32, "adam", 0.001, Threads, data));
            foreach ((int[] layers, int batch) in Tasks)
            {
                var task = new StepTask(layers, batch, "adam", 0.001, Threads, data);
                double bound = MemoryBound.For(new Network(EngineStepTrainer.SpecOf(layers)), OptimizerKind.Adam, batch, Threads) / Megabyte;
                string torch = peer is null ? "" : $"{Peak(peer, task) - torchBase!.Value,14:0}";
                Console.WriteLine($"{string.Join('-', layers),-17} {batch,5} {bound,9:0} {Peak(null, task) - engineBase,10:0} {torch}");
            }
        }
        finally
        {
            File.Delete(data);
        }
    }

    private static double Peak(PeerProgram? peer, StepTask task)
    {
        using StepProcess process = peer is null
            ? StepProcess.Engine(Threads)
            : StepProcess.Peer("TorchSharp", peer, Threads);
        process.Configure(task);
        process.Time(Steps);
        return process.PeakBytes / Megabyte;
    }
}
