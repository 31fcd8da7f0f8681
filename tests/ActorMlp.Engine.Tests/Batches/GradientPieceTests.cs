using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>A gradient that is handed out piece by piece while the rest is computed.</summary>
public sealed class GradientPieceTests
{
    public static TheoryData<int, int> RowsAndThreads { get; } = new MatrixTheoryData<int, int>([37, 512, 700], [1, 2, 4]);

    [Theory]
    [MemberData(nameof(RowsAndThreads))]
    public void Each_piece_is_final_when_it_is_told_of_wherever_the_order_begins(int rows, int threads)
    {
        // Several tiles a layer, with biases behind weights; pieces that end within a layer, within a tile's panels, and beyond a layer.
        var network = new Network(Workbench.Classifier(210, [130, 45], 10, ActivationKind.Tanh, 0.2f));
        int length = network.Layout.Length;
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(rows, 210, 10, true), rows, 4);
        using var pool = new ComputePool(threads);
        (float[] whole, GradientTotals totals) = Workbench.Gradient(network, batch, TreeNode.Root(4), parameters, pool);
        uint[] expected = Numbers.Bits(whole);
        var engine = new GradientEngine(network, pool);
        foreach (int size in new[] { rows + threads == 38 ? 16 : 1024, 2048, 5000, 16384, length })
        {
            int[] ends = [.. Enumerable.Range(1, (length - 1) / size).Select(i => i * size / 16 * 16).Where(end => end < length).Distinct(), length];
            foreach (int first in new[] { 0, 1, ends.Length / 2, ends.Length - 1 }.Where(first => first < ends.Length).Distinct())
            {
                float[] gradient = new float[length];
                Array.Fill(gradient, float.NaN);
                var told = new List<int>();
                GradientTotals result = pool.Run(() => engine.ComputeGradient(batch, TreeNode.Root(4), parameters, gradient, ends, first, (piece, sums) =>
                {
                    told.Add(piece);
                    int from = piece == 0 ? 0 : ends[piece - 1];
                    Assert.Equal(totals, sums);
                    Assert.True(expected.AsSpan(from..ends[piece]).SequenceEqual(Numbers.Bits(gradient.AsSpan(from..ends[piece]))), $"piece {piece} of size {size}, first {first}");
                }));
                Assert.Equal(totals, result);
                Assert.Equal([.. Enumerable.Range(0, ends.Length).Select(i => (first + i) % ends.Length)], told);
                Assert.Equal(expected, Numbers.Bits(gradient));
            }
        }
    }

    [Fact]
    public void Piece_that_was_told_of_is_not_written_again()
    {
        var network = new Network(Workbench.Classifier(210, [130, 45], 10, ActivationKind.Tanh));
        int length = network.Layout.Length;
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(60, 210, 10, true), 60, 4);
        using var pool = new ComputePool(2);
        int[] ends = [5008, 12000, 30000, length];
        foreach (int first in Enumerable.Range(0, ends.Length))
        {
            // Whoever takes a piece may do with it what it likes; what is computed later must leave it alone.
            float[] gradient = new float[length];
            pool.Run(() => new GradientEngine(network, pool).ComputeGradient(
                batch,
                TreeNode.Root(4),
                parameters,
                gradient,
                ends,
                first,
                (piece, _) => gradient.AsSpan((piece == 0 ? 0 : ends[piece - 1])..ends[piece]).Fill(7)));
            Assert.All(gradient, value => Assert.Equal(7, value));
        }
    }

    [Fact]
    public void Pieces_that_do_not_make_up_the_vector_are_refused()
    {
        var network = new Network(Workbench.Classifier(9, [5], 3, ActivationKind.Relu));
        int length = network.Layout.Length;
        float[] parameters = Workbench.Parameters(network), gradient = new float[length];
        StepBatch batch = Workbench.Batch(TableSource.Random(20, 9, 3, true), 10, 2);
        using var pool = new ComputePool(1);
        var engine = new GradientEngine(network, pool);
        void Compute(int[] ends, int first) => engine.ComputeGradient(batch, TreeNode.Root(2), parameters, gradient, ends, first, (_, _) => { });
        Assert.Throws<ArgumentException>(() => Compute([], 0));
        Assert.Throws<ArgumentException>(() => Compute([length - 16], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Compute([length], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Compute([length], -1));
    }
}
