using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Benchmarks.Reports;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Products;

/// <summary>
/// One thread's matrix products against the peak of fused multiply-adds and against OpenBLAS, in all three forms. Results are compared first.
/// </summary>
internal static class ProductBenchmark
{
    private static readonly (int M, int N, int K)[] Shapes =
    [
        (128, 256, 784), (128, 128, 256), (256, 784, 128), (1024, 1024, 1024), (4096, 512, 512),
    ];

    public static IReadOnlyList<Measurement> Run(int rounds)
    {
        KernelSet kernels = KernelSelection.Current;
        string? openBlas = OpenBlas.Load(kernels);
        Console.WriteLine($"products on one thread, {kernels.Name}; medians of {rounds} interleaved slices of 40 ms");
        Console.WriteLine(openBlas is null ? "OpenBLAS: not installed (Debian: libopenblas0); no comparison" : $"OpenBLAS: {openBlas}");
        Console.WriteLine($"{"m×n×k",-16} {"form",-15} {"GFLOP/s",8} {"of peak",8} {"OpenBLAS",9} {"ratio",6}");
        var shares = new List<double>();
        var found = new List<Measurement>();
        foreach (ProductForm form in Enum.GetValues<ProductForm>())
        {
            foreach ((int m, int n, int k) in Shapes)
            {
                var product = new Product(kernels, form, m, n, k);
                List<Contender> contenders = [FmaPeak.For(kernels), new("engine", product.Flops, product.RunEngine)];
                if (openBlas is not null)
                {
                    product.Compare();
                    contenders.Add(new Contender("OpenBLAS", product.Flops, product.RunOpenBlas));
                }

                Interleaved measured = Interleaved.Measure(contenders, rounds, TimeSpan.FromMilliseconds(40));
                double share = measured.Ratio("engine", "FMA peak");
                shares.Add(share);
                string line = $"{$"{m}×{n}×{k}",-16} {form,-15} {measured.Rate("engine") / 1e9,8:0.0} {share,8:0.0 %}";
                if (openBlas is not null)
                {
                    double ratio = measured.Ratio("engine", "OpenBLAS");
                    found.Add(new Measurement($"OpenBLAS, {kernels.Name}", $"{Short(form)}\n{m}×{n}\n×{k}", ratio));
                    line += $" {measured.Rate("OpenBLAS") / 1e9,9:0.0} {ratio,6:0.00}";
                }

                Console.WriteLine(line);
            }
        }

        Console.WriteLine($"geometric means: {Statistics.GeometricMean(shares):0.0 %} of the peak{(openBlas is null ? "" : $", {Statistics.GeometricMean(found.Select(one => one.Ratio)):0.00} × OpenBLAS")}");
        return found;
    }

    private static string Short(ProductForm form) => form switch
    {
        ProductForm.Forward => "forward",
        ProductForm.Backward => "backward",
        _ => "gradient",
    };
}
