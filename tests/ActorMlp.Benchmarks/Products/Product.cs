using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Products;

/// <summary>
/// One product with its operands in the engine's layout and row-major, walked as the engine walks it: groups of eight blocks of rows,
/// parts of 192 inputs. Weights and inputs are in the engine's layout all along, since that is where a training step keeps them.
/// </summary>
internal sealed unsafe class Product
{
    private const int Lane = KernelSet.Lane;
    private const int GroupBlocks = 8;
    private const int InputsOfAPart = 192;

    private readonly KernelSet kernels;
    private readonly ProductForm form;
    private readonly AlignedBuffer left;
    private readonly AlignedBuffer right;
    private readonly AlignedBuffer result;
    private readonly AlignedBuffer bias;
    private readonly AlignedBuffer rowMajorLeft;
    private readonly AlignedBuffer rowMajorRight;
    private readonly AlignedBuffer rowMajorResult;
    private readonly int[] shardEnds;

    /// <summary>Fills the operands with numbers in [-1, 1).</summary>
    public Product(KernelSet kernels, ProductForm form, int m, int n, int k)
    {
        this.kernels = kernels;
        this.form = form;
        (M, N, K) = (m, n, k);
        (int rows, int inputs, int units) = form switch
        {
            ProductForm.Forward => (m, k, n),
            ProductForm.Backward => (m, n, k),
            _ => (k, m, n),
        };
        if (rows % Lane != 0 || inputs % Lane != 0)
        {
            throw new ArgumentException("rows and inputs are multiples of 16 here");
        }

        shardEnds = [0, rows];
        bias = new AlignedBuffer(Padded(units));
        rowMajorLeft = Random(m * k, 1);
        rowMajorRight = Random(k * n, 2);
        rowMajorResult = new AlignedBuffer(m * n);
        result = new AlignedBuffer(Math.Max(Padded(m) * n, m * Padded(n)));

        // Blocks of 16 of whatever lies in lanes, from row-major: op(a) is [m, k], op(b) is [k, n].
        left = form == ProductForm.WeightGradient ? Blocks(rowMajorLeft, k, m) : Blocks(rowMajorLeft, m, k);
        right = form == ProductForm.Backward ? Panels(rowMajorRight, n, k) : Panels(rowMajorRight, k, n);
    }

    /// <summary>Rows of the result.</summary>
    public int M { get; }

    /// <summary>Columns of the result.</summary>
    public int N { get; }

    /// <summary>Terms of each element.</summary>
    public int K { get; }

    /// <summary>Floating-point operations of one product.</summary>
    public double Flops => 2.0 * M * N * K;

    /// <summary>Computes with the engine's kernels.</summary>
    public void RunEngine()
    {
        switch (form)
        {
            case ProductForm.Forward:
                for (int block = 0; block < M / Lane; block += GroupBlocks)
                {
                    kernels.Forward(
                        right.Region, bias.Region, K, N, left.Region.From((long)block * K * Lane), K * Lane,
                        result.Region.From((long)block * Padded(N) * Lane), Padded(N) * Lane, Math.Min(GroupBlocks, M / Lane - block));
                }

                break;
            case ProductForm.Backward:
                for (int block = 0; block < M / Lane; block += GroupBlocks)
                {
                    kernels.Backward(
                        right.Region, N, K, left.Region.From((long)block * K * Lane), K * Lane,
                        result.Region.From((long)block * N * Lane), N * Lane, Math.Min(GroupBlocks, M / Lane - block));
                }

                break;
            default:
                int panels = Padded(N) / Lane;
                for (int input = 0; input < M; input += InputsOfAPart)
                {
                    for (int panel = 0; panel < panels; panel += kernels.BlocksPerTile)
                    {
                        kernels.WeightGradient(
                            left.Region.From((long)input * Lane), M * Lane, right.Region.From((long)panel * K * Lane), K * Lane,
                            result.Region.From(((long)panel * M + input) * Lane), M * Lane,
                            Math.Min(InputsOfAPart, M - input), Math.Min(kernels.BlocksPerTile, panels - panel), shardEnds, false);
                    }
                }

                break;
        }
    }

    /// <summary>Computes with OpenBLAS, from row-major operands.</summary>
    public void RunOpenBlas() => OpenBlas.Multiply(
        form == ProductForm.WeightGradient, form == ProductForm.Backward, M, N, K,
        rowMajorLeft.Region.Pointer, rowMajorRight.Region.Pointer, rowMajorResult.Region.Pointer);

    /// <summary>Throws where the last results of both differ by more than rounding explains.</summary>
    public void Compare()
    {
        RunEngine();
        RunOpenBlas();
        double tolerance = 1e-6 * Math.Sqrt(K) * 8;
        for (int i = 0; i < M; i++)
        {
            for (int j = 0; j < N; j++)
            {
                // Lanes hold rows going forward and back, units in the gradient.
                int at = form == ProductForm.WeightGradient
                    ? (j / Lane * M + i) * Lane + j % Lane
                    : i / Lane * (form == ProductForm.Forward ? Padded(N) : N) * Lane + j * Lane + i % Lane;
                float ours = result.Span[at], theirs = rowMajorResult.Span[i * N + j];
                if (!(Math.Abs(ours - theirs) <= tolerance))
                {
                    throw new InvalidOperationException($"{form} {M}×{N}×{K}: element ({i}, {j}) is {ours} here and {theirs} by OpenBLAS");
                }
            }
        }
    }

    private static int Padded(int count) => (count + Lane - 1) / Lane * Lane;

    private static AlignedBuffer Random(int count, uint purpose)
    {
        var buffer = new AlignedBuffer(count);
        var random = new Engine.Random.CounterRandom(purpose, Engine.Random.RandomPurpose.Shuffle);
        for (int i = 0; i < count; i++)
        {
            buffer.Span[i] = (float)(2 * random.Uniform(0, 0, (uint)i) - 1);
        }

        return buffer;
    }

    /// <summary>Row-major <c>[rows, columns]</c> as <c>[rows/16][columns][16 rows]</c>.</summary>
    private static AlignedBuffer Blocks(AlignedBuffer source, int rows, int columns)
    {
        var blocks = new AlignedBuffer(rows * columns);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                blocks.Span[(row / Lane * columns + column) * Lane + row % Lane] = source.Span[row * columns + column];
            }
        }

        return blocks;
    }

    /// <summary>Row-major <c>[rows, columns]</c> as <c>[columns/16][rows][16 columns]</c>, padded with zeros.</summary>
    private static AlignedBuffer Panels(AlignedBuffer source, int rows, int columns)
    {
        var panels = new AlignedBuffer(rows * Padded(columns));
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                panels.Span[(column / Lane * rows + row) * Lane + column % Lane] = source.Span[row * columns + column];
            }
        }

        return panels;
    }
}
