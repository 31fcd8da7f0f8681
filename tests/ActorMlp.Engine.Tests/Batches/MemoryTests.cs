using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>Runs alone: it counts what the whole process allocates.</summary>
[Collection(Alone)]
public sealed class MemoryTests
{
    private const string Alone = "alone";

    [Theory]
    [InlineData(OptimizerKind.Momentum, 1, 0f, 8)]
    [InlineData(OptimizerKind.Adam, 2, 0.5f, 600)]
    public void Training_takes_no_more_memory_than_its_bound(OptimizerKind kind, int threads, float dropout, int rows)
    {
        var network = new Network(Workbench.Classifier(300, [1000, 500], 10, ActivationKind.Relu, dropout));
        StepBatch batch = Workbench.Batch(TableSource.Random(700, 300, 10, true), rows, 4);
        using var pool = new ComputePool(threads);
        long allocated = pool.Run(() =>
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            var engine = new GradientEngine(network, pool);
            var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = kind }, new RegularizationSpec { ClipNorm = 1 }, pool);
            var parameters = new AlignedBuffer(network.Layout.Length);
            var gradient = new AlignedBuffer(network.Layout.Length);
            GradientPart[] parts = [new(TreeNode.Root(4), gradient.Memory)];
            for (int step = 0; step < 10; step++)
            {
                GradientTotals totals = engine.ComputeGradient(batch, parts[0].Node, parameters.Span, gradient.Span);
                updater.Apply(step, 0.01, parts, totals.Rows, parameters.Span);
            }

            return GC.GetTotalAllocatedBytes(precise: true) - before;
        });
        const long Objects = 200_000;
        long bound = MemoryBound.For(network, kind, rows, threads);
        Assert.InRange(allocated, bound / 2, bound + Objects);
    }

    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class Solitude;
}
