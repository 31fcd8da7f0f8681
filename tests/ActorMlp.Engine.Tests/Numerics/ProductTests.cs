using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Numerics;

/// <summary>The three matrix products at awkward sizes, at every width, against loops of one fused multiply-add at a time.</summary>
public sealed class ProductTests
{
    private const int Lane = KernelSet.Lane;

    private static readonly int[] Awkward = [1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65];

    public static TheoryData<string> Kernels() => [.. KernelSelection.All.Select(kernels => kernels.Name)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Forward_equals_the_scalar_chain(string name)
    {
        foreach ((int inputs, int units, int blocks) in Shapes())
        {
            int padded = Padded(units);
            AlignedBuffer w = Panels(inputs, units), bias = Filled(1, padded), x = Filled(2, blocks * inputs * Lane);
            bias.Span[units..].Clear();
            var z = new AlignedBuffer(blocks * padded * Lane);
            Kernel(name).Forward(w.Region, bias.Region, inputs, units, x.Region, inputs * Lane, z.Region, padded * Lane, blocks);
            for (int block = 0; block < blocks; block++)
            {
                for (int at = 0; at < padded * Lane; at++)
                {
                    int unit = at / Lane, lane = at % Lane;
                    float chain = bias.Span[unit];
                    for (int k = 0; k < inputs; k++)
                    {
                        chain = MathF.FusedMultiplyAdd(Weight(w, inputs, k, unit), x.Span[(block * inputs + k) * Lane + lane], chain);
                    }

                    AssertBits(chain, z.Span[block * padded * Lane + at]);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Backward_equals_the_scalar_chain_and_writes_no_further(string name)
    {
        foreach ((int inputs, int units, int blocks) in Shapes())
        {
            int stride = Padded(Math.Max(inputs, units)) * Lane;
            AlignedBuffer w = Panels(inputs, units), dz = Filled(3, blocks * stride);
            var dx = new AlignedBuffer(blocks * stride);
            dx.Span.Fill(42);
            Kernel(name).Backward(w.Region, inputs, units, dz.Region, stride, dx.Region, stride, blocks);
            for (int at = 0; at < blocks * stride; at++)
            {
                int block = at / stride, input = at % stride / Lane, lane = at % Lane;
                float chain = input < inputs ? 0 : 42;
                for (int unit = 0; input < inputs && unit < units; unit++)
                {
                    chain = MathF.FusedMultiplyAdd(Weight(w, inputs, input, unit), dz.Span[block * stride + unit * Lane + lane], chain);
                }

                AssertBits(chain, dx.Span[at]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Weight_and_bias_gradient_equal_the_tree_of_scalar_chains(string name)
    {
        KernelSet kernels = Kernel(name);
        foreach (int inputs in Awkward)
        {
            foreach ((int rows, int shards) in new[] { (0, 1), (1, 1), (17, 1), (40, 2), (65, 8), (3, 4) })
            {
                const int Panels = 3;
                int blocks = (rows + Lane - 1) / Lane, panelStride = blocks * Lane * Lane;
                AlignedBuffer x = Filled(4, blocks * inputs * Lane), dz = Filled(5, Panels * panelStride);
                var gradient = new AlignedBuffer(Panels * inputs * Lane);
                var bias = new AlignedBuffer(Panels * Lane);
                gradient.Span.Fill(42);
                int[] ends = [.. Enumerable.Range(0, shards + 1).Select(shard => shard * rows / shards)];
                for (int panel = 0; panel < Panels; panel += kernels.BlocksPerTile)
                {
                    int count = Math.Min(kernels.BlocksPerTile, Panels - panel), middle = inputs / 2;
                    foreach ((int first, int end) in new[] { (0, middle), (middle, inputs) })
                    {
                        // One shard is taken in two pieces, the second of which goes on where the first ended.
                        int[][] pieces = shards == 1 && rows > 1 ? [[0, rows / 2], [rows / 2, rows]] : [ends];
                        foreach (int[] piece in pieces)
                        {
                            kernels.WeightGradient(
                                x.Region.From(rows == 0 ? 0 : (long)first * Lane), inputs * Lane, dz.Region.From((long)panel * panelStride), panelStride,
                                gradient.Region.From(((long)panel * inputs + first) * Lane), inputs * Lane, end - first, count, piece, piece[0] > 0);
                        }
                    }
                }

                for (int at = 0; at < gradient.Length; at++)
                {
                    int panel = at / (inputs * Lane), input = at / Lane % inputs, lane = at % Lane;
                    AssertBits(Tree(ends, 0, shards, row => X(row, input), row => dz.Span[panel * panelStride + row * Lane + lane]), gradient.Span[at]);
                }

                for (int at = 0; at < bias.Length; at++)
                {
                    kernels.BiasGradient(dz.Region.From(at / Lane * panelStride), bias.Region.From(at / Lane * Lane), ends);
                    AssertBits(Tree(ends, 0, shards, _ => 1, row => dz.Span[at / Lane * panelStride + row * Lane + at % Lane]), bias.Span[at]);
                }

                float X(int row, int input) => x.Span[(row / Lane * inputs + input) * Lane + row % Lane];
            }
        }
    }

    private static IEnumerable<(int Inputs, int Units, int Blocks)> Shapes()
    {
        foreach (int inputs in Awkward)
        {
            foreach (int units in Awkward)
            {
                yield return (inputs, units, 1 + (inputs + units) % 3);
            }
        }

        // Longer than the cache blocks of the summed dimension, so that chains are put down and taken up.
        yield return (600, 20, 2);
        yield return (21, 1100, 3);
    }

    private static float Tree(int[] ends, int first, int count, Func<int, float> x, Func<int, float> dz)
    {
        if (count > 1)
        {
            return Tree(ends, first, count / 2, x, dz) + Tree(ends, first + count / 2, count / 2, x, dz);
        }

        float chain = 0;
        for (int row = ends[first]; row < ends[first + 1]; row++)
        {
            chain = MathF.FusedMultiplyAdd(x(row), dz(row), chain);
        }

        return chain;
    }

    private static KernelSet Kernel(string name) => KernelSelection.All.Single(kernels => kernels.Name == name);

    private static int Padded(int count) => (count + Lane - 1) / Lane * Lane;

    private static AlignedBuffer Filled(ulong seed, int length)
    {
        var buffer = new AlignedBuffer(length);
        Numbers.Row(seed, length, length).CopyTo(buffer.Span);
        return buffer;
    }

    private static AlignedBuffer Panels(int inputs, int units)
    {
        AlignedBuffer w = Filled(6, inputs * Padded(units));
        for (int at = 0; at < w.Length; at++)
        {
            w.Span[at] = at / (inputs * Lane) * Lane + at % Lane < units ? w.Span[at] : 0;
        }

        return w;
    }

    private static float Weight(AlignedBuffer w, int inputs, int input, int unit) => w.Span[(unit / Lane * inputs + input) * Lane + unit % Lane];

    private static void AssertBits(float expected, float actual)
    {
        if (BitConverter.SingleToUInt32Bits(expected) != BitConverter.SingleToUInt32Bits(actual))
        {
            Assert.Fail($"expected {expected:R}, not {actual:R}");
        }
    }
}
