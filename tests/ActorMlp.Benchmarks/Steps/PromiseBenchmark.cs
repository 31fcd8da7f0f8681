using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Benchmarks.Products;
using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>
/// What the promise costs: products summed in strict order against products that are free to sum as they like, and a gradient of 16 shards with
/// their tree against one chain over all rows. One thread.
/// </summary>
internal static class PromiseBenchmark
{
    private const int Batch = 1024;

    public static void Run(int rounds)
    {
        KernelSet kernels = KernelSelection.Current;
        TimeSpan slice = TimeSpan.FromMilliseconds(40);
        Console.WriteLine($"the cost of the promise on one thread, {kernels.Name}; medians of {rounds} interleaved slices");
        var ratios = new List<double>();
        foreach ((int rows, int units, int inputs) in new[] { (128, 256, 784), (128, 128, 256), (256, 784, 128), (1024, 1024, 1024), (4096, 512, 512) })
        {
            // Inputs of the free product are cut to a multiple of 32; rates are per operation.
            var strict = new Product(kernels, ProductForm.Forward, rows, units, inputs);
            var free = new FreeOrderProduct(kernels, rows, units, inputs / 32 * 32);
            free.Run();
            free.Check();
            Interleaved measured = Interleaved.Measure(
                [new("strict", strict.Flops, strict.RunEngine), new("free", 2.0 * rows * units * (inputs / 32 * 32), free.Run)], rounds, slice);
            ratios.Add(measured.Ratio("strict", "free"));
            Console.WriteLine($"product {rows}×{units}×{inputs}: strict {measured.Rate("strict") / 1e9:0.0}, free {measured.Rate("free") / 1e9:0.0} GFLOP/s, strict over free {ratios[^1]:0.00}");
        }

        Console.WriteLine($"geometric mean of strict over free {Statistics.GeometricMean(ratios):0.00}");
        foreach (int[] network in new int[][] { [784, 128, 10], [784, 512, 256, 10] })
        {
            Interleaved measured = Shards(network, rounds, slice);
            Console.WriteLine(
                $"gradient of {string.Join('-', network)}, {Batch} rows: 16 shards {measured.Rate("16 shards"):N0}, one shard {measured.Rate("one shard"):N0} samples/s, ratio {measured.Ratio("16 shards", "one shard"):0.000}");
        }
    }

    private static Interleaved Shards(int[] layers, int rounds, TimeSpan slice)
    {
        StepData data = SyntheticData.CreateStepData(Batch);
        var rows = new Dataset(data.Width, data.Inputs, data.Labels, []);
        int[] order = [.. Enumerable.Range(0, Batch)];
        var network = new Network(EngineStepTrainer.SpecOf(layers));
        using var pool = new ComputePool(1);
        var engine = new GradientEngine(network, pool);
        var parameters = new AlignedBuffer(network.Layout.Length);
        var gradient = new AlignedBuffer(network.Layout.Length);
        network.Initialize(1, parameters.Span);
        return pool.Run(() => Interleaved.Measure([Contender("16 shards", 16), Contender("one shard", 1)], rounds, slice));

        Contender Contender(string name, int shards)
        {
            var batch = new StepBatch(rows, order, shards, 0, 1);
            return new Contender(name, Batch, () => engine.ComputeGradient(batch, TreeNode.Root(shards), parameters.Span, gradient.Span));
        }
    }
}
