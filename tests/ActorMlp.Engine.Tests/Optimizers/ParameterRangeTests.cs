using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Optimizers;

/// <summary>Updates of a vector that lies in ranges on several servers, piece by piece: the bits are those of one update of the whole.</summary>
public sealed class ParameterRangeTests
{
    private const int Steps = 4;
    private const int Rows = 12;

    private static readonly Network Network = new(Workbench.Classifier(70, [90, 40], 5, ActivationKind.Tanh));

    public static TheoryData<OptimizerKind, float?, float?> Rules { get; } =
        new MatrixTheoryData<OptimizerKind, float?, float?>(Enum.GetValues<OptimizerKind>(), [null, 0.05f, 50f], [null, 1.2f]);

    [Theory]
    [MemberData(nameof(Rules))]
    public void Ranges_and_pieces_give_the_bits_of_the_whole(OptimizerKind kind, float? clipNorm, float? maxNorm)
    {
        var regularization = new RegularizationSpec { L1 = 1e-4f, L2 = 1e-3f, ClipNorm = clipNorm, MaxNorm = maxNorm };
        var optimizer = new OptimizerSpec { Kind = kind, WeightDecay = 0.1f };
        using var pool = new ComputePool(2);
        var whole = new ParameterUpdater(Network, optimizer, regularization, pool);
        float[] expected = Workbench.Parameters(Network);
        double?[] norms = [.. Enumerable.Range(0, Steps).Select(step => whole.Apply(step, 0.05, Parts(step, 0, expected.Length), Rows, expected).GradientNorm)];
        IReadOnlyList<int> cuts = ParameterUpdater.CutPoints(Network, regularization);
        foreach ((int ranges, int pieces) in ((int, int)[])[(1, 3), (2, 1), (3, 4), (cuts.Count, 1)])
        {
            Server[] servers = [.. Cut(cuts, 0, cuts[^1], ranges).Select(range => new Server(range, Cut(cuts, range.Offset, range.Offset + range.Length, pieces), optimizer, regularization, pool))];
            float[] current = Workbench.Parameters(Network), next = new float[current.Length];
            for (int step = 0; step < Steps; step++)
            {
                double? norm = clipNorm is null ? null : ParameterUpdater.Norm([.. servers.SelectMany(server => server.Measure(step, current))]);
                Assert.Equal(norms[step], norm);
                Array.ForEach(servers, server => server.Apply(step, norm, current, next));
                (current, next) = (next, current);
            }

            Assert.Equal(Numbers.Bits(expected), Numbers.Bits(current));
            for (int slot = 0; slot < whole.Slots.Count; slot++)
            {
                float[] state = [.. servers.SelectMany(server => server.Updater.Slots[slot].Values.ToArray())];
                Assert.Equal(Numbers.Bits(whole.Slots[slot].Values.Span), Numbers.Bits(state));
                Assert.All(servers, server => Assert.Equal(whole.Slots[slot].Name, server.Updater.Slots[slot].Name));
            }
        }

        Assert.Equal(ParameterUpdater.SlotNames(kind), whole.Slots.Select(slot => slot.Name));
    }

    [Fact]
    public void Cuts_elsewhere_are_refused()
    {
        using var pool = new ComputePool(1);
        var plain = new RegularizationSpec();
        var optimizer = new OptimizerSpec { Kind = OptimizerKind.Sgd };
        int length = Network.Layout.Length;
        Assert.Throws<ArgumentException>(() => new ParameterUpdater(Network, optimizer, plain, pool, new ParameterRange(1, length - 1)));
        Assert.Throws<ArgumentException>(() => new ParameterUpdater(Network, optimizer, plain, pool, new ParameterRange(0, length + 16)));

        // Where units are bounded they stay whole, so that there are fewer places.
        var bounded = new RegularizationSpec { MaxNorm = 1 };
        int cut = ParameterUpdater.CutPoints(Network, plain).Except(ParameterUpdater.CutPoints(Network, bounded)).First();
        _ = new ParameterUpdater(Network, optimizer, plain, pool, new ParameterRange(0, cut));
        Assert.Throws<ArgumentException>(() => new ParameterUpdater(Network, optimizer, bounded, pool, new ParameterRange(0, cut)));
        var updater = new ParameterUpdater(Network, optimizer, bounded, pool);
        float[] values = new float[cut];
        Assert.Throws<ArgumentException>(() => updater.Apply(0, 1, Parts(0, 0, cut), Rows, new ParameterRange(0, cut), values, values));
    }

    [Fact]
    public void Where_the_norm_is_bounded_pieces_are_measured_first_and_only_there()
    {
        using var pool = new ComputePool(1);
        int length = Network.Layout.Length;
        float[] values = new float[length];
        var piece = new ParameterRange(0, length);
        var clipped = new ParameterUpdater(Network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec { ClipNorm = 1 }, pool);
        Assert.Throws<InvalidOperationException>(() => clipped.Apply(0, 1, Parts(0, 0, length), Rows, piece, values, values));
        var plain = new ParameterUpdater(Network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec(), pool);
        Assert.Throws<InvalidOperationException>(() => plain.ApplyMeasured(0, 1, piece, values, values, 1));
    }

    [Fact]
    public void Piece_that_is_no_longer_finite_names_its_layer()
    {
        using var pool = new ComputePool(1);
        var range = new ParameterRange(Network.Layout.Layers[1].WeightsOffset, Network.Layout.Layers[1].WeightsLength);
        var updater = new ParameterUpdater(Network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec(), pool, range);
        float[] gradient = new float[range.Length], values = new float[range.Length];
        gradient[3] = float.PositiveInfinity;
        Assert.Equal(1, updater.Apply(0, 1, [new(new TreeNode(0, 0), gradient)], 1, range, values, values).NonFiniteLayer);
    }

    private static GradientPart[] Parts(int step, int offset, int length)
    {
        float[] Sum(int which)
        {
            // Padding stays zero, as it does in a gradient.
            float[] values = Numbers.Row((ulong)(31 * step + which), 0, Network.Layout.Length), clean = new float[values.Length];
            for (int layer = 0; layer < Network.Layout.Layers.Count; layer++)
            {
                LayerLayout at = Network.Layout.Layers[layer];
                float[] weights = new float[at.Inputs * at.Units], bias = new float[at.Units];
                Network.Layout.ExportLayer(values, layer, weights, bias);
                Network.Layout.ImportLayer(clean, layer, weights, bias);
            }

            return clean[offset..(offset + length)];
        }

        return [new(new TreeNode(1, 0), Sum(1)), new(new TreeNode(0, 2), Sum(2)), new(new TreeNode(0, 3), Sum(3))];
    }

    /// <summary>About equal ranges between cut points.</summary>
    private static List<ParameterRange> Cut(IReadOnlyList<int> cuts, int from, int to, int count)
    {
        int[] inside = [.. cuts.Where(cut => cut >= from && cut <= to)];
        int[] ends = [.. Enumerable.Range(0, count + 1).Select(i => inside[(int)((long)i * (inside.Length - 1) / count)]).Distinct()];
        return [.. ends.Zip(ends.Skip(1), (begin, end) => new ParameterRange(begin, end - begin))];
    }

    private sealed class Server(
        ParameterRange range, List<ParameterRange> pieces, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool)
    {
        public ParameterUpdater Updater { get; } = new(Network, optimizer, regularization, pool, range);

        public double[] Measure(int step, float[] current) =>
        [
            .. pieces.SelectMany(piece =>
            {
                var squares = new double[Updater.ChunksIn(piece)];
                Updater.Measure(Parts(step, piece.Offset, piece.Length), Rows, piece, current.AsSpan(piece.Offset, piece.Length), squares);
                return squares;
            }),
        ];

        public void Apply(int step, double? norm, float[] current, float[] next)
        {
            foreach (ParameterRange piece in pieces)
            {
                ReadOnlySpan<float> old = current.AsSpan(piece.Offset, piece.Length);
                Span<float> updated = next.AsSpan(piece.Offset, piece.Length);
                if (norm is { } bounded)
                {
                    Updater.ApplyMeasured(step, 0.05, piece, old, updated, bounded);
                }
                else
                {
                    Updater.Apply(step, 0.05, Parts(step, piece.Offset, piece.Length), Rows, piece, old, updated);
                }
            }
        }
    }
}
