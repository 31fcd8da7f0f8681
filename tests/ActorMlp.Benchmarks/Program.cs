using System.Globalization;
using ActorMlp.Benchmarks.Bulk;
using ActorMlp.Benchmarks.Consistency;
using ActorMlp.Benchmarks.Encodings;
using ActorMlp.Benchmarks.Memory;
using ActorMlp.Benchmarks.Nodes;
using ActorMlp.Benchmarks.Processes;
using ActorMlp.Benchmarks.Products;
using ActorMlp.Benchmarks.Reports;
using ActorMlp.Benchmarks.Steps;

string verb = args.FirstOrDefault("");
string? save = args.SkipWhile(word => word != "--save").Skip(1).FirstOrDefault();
int rounds = args.Length > 1 && int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : 11;
switch (verb)
{
    case "overhead":
        await ActorOverhead.RunAsync(rounds).ConfigureAwait(false);
        return 0;
    case "kernels":
        return Finish(ProductBenchmark.Run(rounds));
    case "promise":
        PromiseBenchmark.Run(rounds);
        return 0;
    case "step":
        return Finish(StepBenchmark.Run(rounds));
    case "memory":
        MemoryBenchmark.Run();
        return 0;
    case "bulk":
        await BulkPlane.RunAsync(rounds).ConfigureAwait(false);
        return 0;
    case "checksums":
        BulkChecksums.Run();
        return 0;
    case "bulk-peer":
        await BulkPlanePeer.RunAsync().ConfigureAwait(false);
        return 0;
    case "heartbeats":
        await Heartbeats.RunAsync(args.Length > 1 ? rounds : 120, args is [_, _, "shared"]).ConfigureAwait(false);
        return 0;
    case "heartbeats-node" when args is [_, var join, var seconds, var threads]:
        await Heartbeats.RunNodeAsync(join, int.Parse(seconds, CultureInfo.InvariantCulture), threads == "shared").ConfigureAwait(false);
        return 0;
    case "control":
        await ControlDelay.RunAsync(args.Length > 1 ? rounds : 60).ConfigureAwait(false);
        return 0;
    case "control-node" when args is [_, var join, var seconds]:
        await ControlDelay.RunNodeAsync(join, int.Parse(seconds, CultureInfo.InvariantCulture)).ConfigureAwait(false);
        return 0;
    case "processes":
        return await ProcessBenchmark.RunAsync(args.Length > 1 ? rounds : 5).ConfigureAwait(false) ? 0 : 2;
    case "calibration":
        return await CalibrationBenchmark.RunAsync(args.Length > 1 ? rounds : 5, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : null, args.Length > 3 ? args[3] : "512,256").ConfigureAwait(false) ? 0 : 2;
    case "encodings":
        EncodingSpeed.Run();
        return 0;
    case "consistency" when args.Length > 1 && File.Exists(args[^1]):
        await ConsistencyBenchmark.RunAsync(args.Length > 2 ? rounds : 5, args[^1]).ConfigureAwait(false);
        return 0;
    case "picture" when args.Length > 2:
        PerformancePicture.Write(args[1], Measurements.Load(args[2..]));
        return 0;
    case "step-server":
        StepServer.Run(Console.In, Console.Out, task => new EngineStepTrainer(task));
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: dotnet run -c Release --project tests/ActorMlp.Benchmarks -- VERB [ROUNDS] [--save FILE]

              overhead   samples/s of actors over the plain loop, network 784-512-256-10, batch 128
              kernels    matrix products against the FMA peak and OpenBLAS (Debian: libopenblas0)
              promise    what strict order of summation and the tree over shards cost
              step       training steps beside TorchSharp's (build it with tests/peers/setup.sh), and one thread beside two
              memory     peak memory against the stated bound and TorchSharp
              bulk       MB/s and CPU of the bulk plane over those of a bare socket loop, between two processes
              checksums  GB/s of checksums that bulk frames could carry
              heartbeats [SECONDS [shared]]: three nodes with all cores busy: do they keep each other? (shared: one thread pool for all)
              control    [SECONDS]: two nodes with bulk both ways: how long do control messages wait, is a node given up?
              processes  [ROUNDS]: node processes beside one, beside threads and beside PyTorch's DDP (tests/peers/ddp/setup.sh); bytes sent
              calibration [ROUNDS [BATCH [UNITS,…]]]: 1, 2 and 4 node processes beside what 'simulate --cores --speed measured' predicts of them
              encodings  GB/s of gradient encodings, beside memcpy
              consistency [ROUNDS] DIGITS.csv.gz: accuracy and samples/s of the modes of consistency beside bsp, with slow workers
              picture    OUT.png FILE…: draws what kernels and step saved
            """);
        return 2;
}

int Finish(IReadOnlyList<Measurement>? found)
{
    if (found is not null && save is not null)
    {
        Measurements.Save(save, found);
    }

    return found is null ? 2 : 0;
}
