using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>Gradients that are told piece by piece: what is told is final, and has the bits of the gradient told at once.</summary>
public sealed class EarlyPiecesTests
{
    /// <summary>Rows on both sides of the 512 up to which they are taken at once, alone and cut into shards.</summary>
    private static readonly (int Rows, int Shards)[] Batches = [(1, 1), (33, 4), (512, 8), (513, 8), (1100, 2)];

    private static readonly Network[] Networks =
    [
        new(Workbench.Classifier(7, [], 3, ActivationKind.Tanh)),
        new(Workbench.Classifier(37, [35, 18], 10, ActivationKind.Sigmoid, 0.3f)),

        // More than 192 inputs, and more than 8 panels: parts of one panel, and of several, that are taken one after another.
        new(Workbench.Classifier(200, [150], 5, ActivationKind.Relu)),
    ];

    public static TheoryData<int, int> Cells()
    {
        var cells = new TheoryData<int, int>();
        for (int network = 0; network < Networks.Length; network++)
        {
            foreach (int threads in new[] { 1, 2, 4 })
            {
                cells.Add(network, threads);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Piece_is_final_when_it_is_told(int which, int threads)
    {
        Network network = Networks[which];
        int length = network.Layout.Length;
        float[] parameters = Workbench.Parameters(network);
        TableSource source = TableSource.Random(300, network.Spec.Inputs, network.OutputCount, true);
        using var pool = new ComputePool(threads);
        using var alone = new ComputePool(1);
        var engine = new GradientEngine(network, pool);
        foreach ((int rows, int shards) in Batches)
        {
            StepBatch batch = Workbench.Batch(source, rows, shards);
            foreach (TreeNode node in new[] { TreeNode.Root(shards), new TreeNode(0, shards - 1) }.Distinct())
            {
                (float[] gradient, GradientTotals totals) = Workbench.Gradient(network, batch, node, parameters, alone);
                uint[] expected = Numbers.Bits(gradient);
                foreach (int[] ends in Pieces(network))
                {
                    float[] found = new float[length];
                    found.AsSpan().Fill(float.NaN);
                    var told = new List<int>();
                    GradientTotals last = pool.Run(() => engine.ComputeGradient(batch, node, parameters, found, ends, (piece, atCall) =>
                    {
                        told.Add(piece);
                        Assert.Equal(expected[..ends[piece]], Numbers.Bits(found.AsSpan(0, ends[piece])));
                        Assert.Equal(totals, atCall);
                    }));
                    Assert.Equal(Enumerable.Range(0, ends.Length), told);
                    Assert.Equal(expected, Numbers.Bits(found));
                    Assert.Equal(totals, last);
                }
            }
        }
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(100, 4)]
    [InlineData(1100, 1)]
    [InlineData(1100, 4)]
    public void First_piece_is_told_before_the_last_layer_is_computed(int rows, int threads)
    {
        Network network = Networks[1];
        float[] parameters = Workbench.Parameters(network), gradient = new float[network.Layout.Length];
        StepBatch batch = Workbench.Batch(TableSource.Random(300, 37, 10, true), rows, 4);
        int output = network.Layout.Layers[^1].WeightsOffset;
        int[] ends = [output / 2, output, gradient.Length];
        gradient.AsSpan().Fill(float.NaN);
        var open = new List<bool>();
        using var pool = new ComputePool(threads);
        pool.Run(() => new GradientEngine(network, pool).ComputeGradient(
            batch, TreeNode.Root(4), parameters, gradient, ends, (_, _) => open.Add(gradient.AsSpan(output).ContainsAnyExcept(float.NaN))));
        Assert.Equal([false, false, true], open);
    }

    [Fact]
    public void Totals_of_shards_can_be_had_while_pieces_are_told()
    {
        Network network = Networks[1];
        float[] parameters = Workbench.Parameters(network), gradient = new float[network.Layout.Length];
        StepBatch batch = Workbench.Batch(TableSource.Random(300, 37, 10, true), 100, 4);
        using var pool = new ComputePool(2);
        var engine = new GradientEngine(network, pool);
        GradientTotals[] expected = [.. Enumerable.Range(0, 4).Select(shard => Workbench.Gradient(network, batch, new TreeNode(0, shard), parameters, pool).Totals)];
        int told = 0;
        pool.Run(() => engine.ComputeGradient(batch, TreeNode.Root(4), parameters, gradient, [500, gradient.Length], (_, _) =>
        {
            told++;
            Assert.Equal(expected, Enumerable.Range(0, 4).Select(shard => engine.TotalsOf(TreeNode.Root(4), new TreeNode(0, shard))));
        }));
        Assert.Equal(2, told);
    }

    [Fact]
    public void Pieces_that_do_not_end_with_the_vector_are_refused_before_anything_is_computed()
    {
        Network network = Networks[0];
        float[] parameters = Workbench.Parameters(network), gradient = new float[network.Layout.Length];
        StepBatch batch = Workbench.Batch(TableSource.Random(20, 7, 3, true), 10, 2);
        using var pool = new ComputePool(1);
        var engine = new GradientEngine(network, pool);
        gradient.AsSpan().Fill(float.NaN);
        foreach (int[] ends in new int[][] { [], [16], [gradient.Length - 1], [gradient.Length + 1] })
        {
            ArgumentException refusal = Assert.Throws<ArgumentException>(() => engine.ComputeGradient(
                batch, TreeNode.Root(2), parameters, gradient, ends, (_, _) => Assert.Fail("a piece was told")));
            Assert.Equal($"the last piece must end at {gradient.Length} (Parameter 'ends')", refusal.Message);
        }

        Assert.All(gradient, value => Assert.True(float.IsNaN(value)));
    }

    /// <summary>One piece; pieces of a few lengths, which end within units, panels and layers; and one a layer.</summary>
    private static IEnumerable<int[]> Pieces(Network network)
    {
        int length = network.Layout.Length;
        yield return [length];
        foreach (int piece in new[] { length / 37 + 1, length / 5 + 3, length / 2 + 16 })
        {
            yield return [.. Enumerable.Range(1, (length - 1) / piece).Select(i => i * piece), length];
        }

        yield return [.. network.Layout.Layers.Select(layer => layer.BiasOffset + layer.BiasLength)];
    }
}
