using System.Globalization;
using ActorMlp.Benchmarks.Memory;
using ActorMlp.Benchmarks.Products;
using ActorMlp.Benchmarks.Steps;

int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 11;
switch (args)
{
    case ["overhead", ..]:
        await ActorOverhead.RunAsync(rounds).ConfigureAwait(false);
        return 0;
    case ["kernels", ..]:
        ProductBenchmark.Run(rounds);
        return 0;
    case ["promise", ..]:
        PromiseBenchmark.Run(rounds);
        return 0;
    case ["step", ..]:
        return StepBenchmark.Run(rounds);
    case ["memory"]:
        MemoryBenchmark.Run();
        return 0;
    case ["step-server"]:
        StepServer.Run(Console.In, Console.Out, task => new EngineStepTrainer(task));
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: dotnet run -c Release --project tests/ActorMlp.Benchmarks -- overhead|kernels|promise|step|memory [ROUNDS]

              overhead   samples/s of actors over the plain loop, network 784-512-256-10, batch 128
              kernels    matrix products against the FMA peak and OpenBLAS (Debian: libopenblas0)
              promise    what strict order of summation and the tree over shards cost
              step       training steps beside TorchSharp's (build it with tests/peers/setup.sh), and one thread beside two
              memory     peak memory against the stated bound and TorchSharp
            """);
        return 2;
}
