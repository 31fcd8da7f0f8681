using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>Short runs whose weights are known by (the first half of) their hash: a machine that computes anything else fails here.</summary>
public sealed class GoldenRunTests
{
    public static TheoryData<ActivationKind, OptimizerKind, string> Runs() => new()
    {
        { ActivationKind.Relu, OptimizerKind.Adam, "9cf4990473ebf7fdb915eddce853f35b" },
        { ActivationKind.Tanh, OptimizerKind.Nesterov, "1c49de4004b408a66ff5085664b150a4" },
        { ActivationKind.Sigmoid, OptimizerKind.RmsProp, "0be06112d4c29c6375d71f5064f6f871" },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void Run_ends_at_its_hash_with_every_kernel(ActivationKind activation, OptimizerKind kind, string hash)
    {
        var network = new Network(Workbench.Classifier(50, [60, 30], 10, activation, 0.2f));
        TableSource source = TableSource.Random(500, 50, 10, true);
        var regularization = new RegularizationSpec { L1 = 1e-5f, L2 = 1e-4f, ClipNorm = 1, MaxNorm = 3 };
        using var pool = new ComputePool(2);
        foreach (KernelSet kernels in KernelSelection.All)
        {
            var engine = new GradientEngine(network, pool, kernels);
            var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = kind }, regularization, pool, kernels);
            float[] parameters = new float[network.Layout.Length], gradient = new float[parameters.Length];
            network.Initialize(2026, parameters);
            for (int step = 0; step < 30; step++)
            {
                StepBatch batch = new(source, Enumerable.Range(step * 16, 100).Select(i => i * 7 % 500).ToArray(), 4, step, 2026);
                GradientTotals totals = pool.Run(() => engine.ComputeGradient(batch, TreeNode.Root(4), parameters, gradient));
                updater.Apply(step, 0.003, [new(TreeNode.Root(4), gradient)], totals.Rows, parameters);
            }

            Assert.Equal(hash, network.Layout.Sha256(parameters)[..hash.Length]);
        }
    }
}
