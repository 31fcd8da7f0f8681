using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>The promise: bits depend on configuration, data and seed alone.</summary>
public sealed class GradientEngineBitsTests
{
    [Theory]
    [InlineData(70, 8, 30, 17)]
    [InlineData(64, 4, 16, 32)]
    [InlineData(5, 8, 9, 3)]
    [InlineData(131, 16, 40, 65)]
    [InlineData(1300, 16, 210, 150)]
    [InlineData(1300, 2, 20, 17)]
    public void Node_sum_equals_the_tree_sum_of_its_shards(int rows, int shards, int inputs, int hidden)
    {
        var network = new Network(Workbench.Classifier(inputs, [hidden, 20], 10, ActivationKind.Tanh, 0.2f));
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(1301, inputs, 10, true), rows, shards);
        using var pool = new ComputePool(2);

        (float[] whole, GradientTotals wholeTotals) = Workbench.Gradient(network, batch, TreeNode.Root(shards), parameters, pool);
        (float[] added, GradientTotals addedTotals) = Tree(TreeNode.Root(shards));

        Assert.Equal(Numbers.Bits(added), Numbers.Bits(whole));
        Assert.Equal(addedTotals, wholeTotals);

        (float[] Sum, GradientTotals Totals) Tree(TreeNode node)
        {
            if (node.Level == 0)
            {
                return Workbench.Gradient(network, batch, node, parameters, pool);
            }

            (float[] left, GradientTotals leftTotals) = Tree(node.Left);
            (float[] right, GradientTotals rightTotals) = Tree(node.Right);
            return ([.. left.Zip(right, (a, b) => a + b)], leftTotals + rightTotals);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(33, 2)]
    [InlineData(100, 4)]
    [InlineData(150, 8)]
    [InlineData(1100, 8)]
    public void Gradient_is_the_same_for_every_thread_count_and_kernel(int rows, int shards)
    {
        var network = new Network(Workbench.Classifier(37, [35, 18], 10, ActivationKind.Sigmoid, 0.3f));
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(200, 37, 10, true), rows, shards);
        using var alone = new ComputePool(1);
        (float[] expected, GradientTotals expectedTotals) =
            Workbench.Gradient(network, batch, TreeNode.Root(shards), parameters, alone, KernelSelection.All[^1]);
        foreach (int threads in new[] { 1, 2, 4 })
        {
            using var pool = new ComputePool(threads);
            foreach (KernelSet kernels in KernelSelection.All)
            {
                (float[] gradient, GradientTotals totals) = Workbench.Gradient(network, batch, TreeNode.Root(shards), parameters, pool, kernels);
                Assert.Equal(Numbers.Bits(expected), Numbers.Bits(gradient));
                Assert.Equal(expectedTotals, totals);
            }
        }
    }

    [Fact]
    public void Empty_shard_gives_positive_zeros()
    {
        var network = new Network(Workbench.Classifier(300, [5], 3, ActivationKind.Relu));
        using var pool = new ComputePool(1);
        StepBatch batch = Workbench.Batch(TableSource.Random(20, 300, 3, true), 3, 4);
        (float[] gradient, GradientTotals totals) = Workbench.Gradient(network, batch, new TreeNode(0, 0), Workbench.Parameters(network), pool);
        Assert.All(Numbers.Bits(gradient), bits => Assert.Equal(0u, bits));
        Assert.Equal(default, totals);
    }
}
