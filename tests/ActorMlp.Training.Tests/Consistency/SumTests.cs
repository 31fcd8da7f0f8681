using ActorMlp.Engine.Batches;
using ActorMlp.Training.Consistency;

namespace ActorMlp.Training.Tests.Consistency;

public sealed class SumTests
{
    public static TheoryData<int> Lengths { get; } = new([0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 65]);

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Add_is_element_by_element_and_may_be_in_place(int length)
    {
        float[] left = Numbers(length, 3), right = Numbers(length, 5), sum = new float[length];
        float[] expected = [.. left.Zip(right, (a, b) => a + b)];
        VectorSums.Add(left, right, sum);
        Assert.Equal(expected, sum);
        VectorSums.Add(left, right, left);
        Assert.Equal(expected, left);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Mean_is_by_weight_in_double_precision_in_the_order_of_copies(int length)
    {
        float[][] copies = [Numbers(length, 3), Numbers(length, 5), Numbers(length, 11)];
        var mean = new float[length];
        VectorSums.Mean([.. copies.Select(copy => (ReadOnlyMemory<float>)copy)], [24, 16, 24], mean);
        Assert.Equal(Enumerable.Range(0, length).Select(i => (float)((copies[0][i] * 24.0 + copies[1][i] * 16.0 + copies[2][i] * 24.0) / 64)), mean);
    }

    [Fact]
    public void Mean_of_one_copy_is_the_copy()
    {
        float[] copy = Numbers(100, 7), mean = new float[100];
        VectorSums.Mean([copy], [1_000_003], mean);
        Assert.Equal(copy, mean);
    }

    [Fact]
    public void Vectors_of_other_lengths_are_refused()
    {
        Assert.Throws<ArgumentException>(() => VectorSums.Add(new float[3], new float[4], new float[3]));
        Assert.Throws<ArgumentException>(() => VectorSums.Mean([new float[3]], [1], new float[4]));
        Assert.Throws<ArgumentException>(() => VectorSums.Mean([new float[3]], [1, 2], new float[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectorSums.Mean([], [], []));
    }

    [Fact]
    public void PartialTree_does_not_depend_on_the_subtrees_in_which_shards_were_computed()
    {
        string Sum(params int[] firstAndEnd)
        {
            var parts = new List<(TreeNode, Text)>();
            for (int i = 0; i < firstAndEnd.Length; i += 2)
            {
                parts.AddRange(TreeNode.Cover(firstAndEnd[i], firstAndEnd[i + 1]).Select(node => (node, Whole(node))));
            }

            return PartialTree.Sum(TreeNode.Root(8), parts, (left, right) => new Text($"({left.Value}+{right.Value})"))?.Value ?? "nothing";
        }

        Assert.Equal("(((0+1)+(2+3))+((4+5)+(6+7)))", Sum(0, 8));
        Assert.Equal(Sum(0, 8), Sum(0, 3, 3, 5, 5, 8));
        Assert.Equal("((2+3)+(4+5))", Sum(2, 6));
        Assert.Equal(Sum(2, 6), Sum(2, 3, 3, 4, 4, 6));
        Assert.Equal("(1+6)", Sum(1, 2, 6, 7));
        Assert.Equal("5", Sum(5, 6));
        Assert.Equal("nothing", Sum());
    }

    private static Text Whole(TreeNode node) =>
        node.Level == 0 ? new Text($"{node.FirstShard}") : new Text($"({Whole(node.Left).Value}+{Whole(node.Right).Value})");

    private static float[] Numbers(int length, int seed) => [.. Enumerable.Range(0, length).Select(i => (float)Math.Sin(i * seed + seed) * (i % 3 == 0 ? 1e-3f : 1e3f))];

    private readonly record struct Text(string Value);
}
