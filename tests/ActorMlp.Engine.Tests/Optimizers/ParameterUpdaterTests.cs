using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Optimizers;

public sealed class ParameterUpdaterTests
{
    private static readonly float[] Gradients = [0.5f, -0.25f, 1, 0.125f, -0.75f, 0, 2, -0.5f, 0.25f, 0.0625f];

    /// <summary>
    /// A weight that starts at 0.5 under the gradients above with η 0.1, μ 0.9, ρ 0.99, β 0.9 and 0.999, ε 1e-8, λ 0.1:
    /// computed apart, in double precision, from the published rules.
    /// </summary>
    public static TheoryData<OptimizerKind, double[]> TenSteps() =>
        new()
        {
            { OptimizerKind.Sgd, [0.45, 0.475, 0.375, 0.3625, 0.4375, 0.4375, 0.2375, 0.2875, 0.2625, 0.25625] },
            { OptimizerKind.Momentum, [0.45, 0.43, 0.312, 0.1933, 0.16147, 0.132823, -0.0929593, -0.24616337, -0.409047033, -0.56189233] },
            { OptimizerKind.Nesterov, [0.405, 0.412, 0.2058, 0.08647, 0.132823, 0.1070407, -0.29616337, -0.384047033, -0.55564233, -0.699453097] },
            { OptimizerKind.AdaGrad, [0.400000002, 0.444721361, 0.357434205, 0.346587683, 0.401133137, 0.401133137, 0.318728945, 0.338906275, 0.328868563, 0.326359925] },
            { OptimizerKind.RmsProp, [-0.4999998, -0.0509866256, -0.925726216, -1.0349619, -0.484866866, -0.484866866, -1.31376034, -1.10986803, -1.21179416, -1.23739567] },
            { OptimizerKind.Adam, [0.400000002, 0.373366299, 0.30755514, 0.247657467, 0.235019185, 0.224126621, 0.176991928, 0.146309793, 0.114296647, 0.0845169554] },
            { OptimizerKind.AdamW, [0.395000002, 0.364416299, 0.294960977, 0.232113694, 0.217154275, 0.204090169, 0.154914574, 0.122683293, 0.0894433146, 0.0587691895] },
        };

    [Theory]
    [MemberData(nameof(TenSteps))]
    public void Ten_steps_follow_the_published_rule(OptimizerKind kind, double[] expected)
    {
        using var pool = new ComputePool(1);
        Network network = OneWeight();
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = kind, WeightDecay = 0.1f }, new RegularizationSpec(), pool);
        float[] parameters = new float[network.Layout.Length];
        parameters[0] = parameters[Bias] = 0.5f;
        for (int step = 0; step < expected.Length; step++)
        {
            // Two rows and two shards: the mean of the sum is the gradient.
            float[] left = Vector(network, Gradients[step] * 0.5f), right = Vector(network, Gradients[step] * 1.5f);
            updater.Apply(step, 0.1, [new(new TreeNode(0, 0), left), new(new TreeNode(0, 1), right)], 2, parameters);

            // Float rounding, a few units in the last place a step.
            Assert.Equal(expected[step], parameters[0], 4e-6);
            if (kind != OptimizerKind.AdamW)
            {
                Assert.Equal(parameters[0], parameters[Bias]);
            }
        }

        Assert.All(parameters.Where((_, i) => i is not 0 and not Bias), value => Assert.Equal(0u, BitConverter.SingleToUInt32Bits(value)));
    }

    [Fact]
    public void AdamW_leaves_biases_to_Adam()
    {
        (float[] adam, _) = Steps(OneWeight(), OptimizerKind.Adam, new RegularizationSpec(), 1, KernelSelection.Current);
        (float[] adamW, _) = Steps(OneWeight(), OptimizerKind.AdamW, new RegularizationSpec(), 1, KernelSelection.Current);
        Assert.Equal(adam[Bias], adamW[Bias]);
        Assert.NotEqual(adam[0], adamW[0]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.01f, 0)]
    [InlineData(0, 0.02f)]
    [InlineData(0.01f, 0.02f)]
    public void Penalties_enter_the_gradient_as_the_derivative_of_the_penalty(float l1, float l2)
    {
        using var pool = new ComputePool(1);
        var network = new Network(Workbench.Classifier(5, [7], 3, ActivationKind.Tanh));
        var updater = new ParameterUpdater(
            network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec { L1 = l1, L2 = l2 }, pool);
        float[] before = Workbench.Parameters(network), after = [.. before];
        float[] gradient = Workbench.Gradient(network, Workbench.Batch(TableSource.Random(9, 5, 3, true), 4, 1), new TreeNode(0, 0), before, pool).Gradient;
        updater.Apply(0, 1, [new(new TreeNode(0, 0), gradient)], 4, after);
        for (int i = 0; i < before.Length; i++)
        {
            float[] above = [.. before], below = [.. before];
            above[i] += 1f / 1024;
            below[i] -= 1f / 1024;
            bool padding = before[i] == 0;
            double slope = padding ? 0 : (updater.Penalty(above) - updater.Penalty(below)) / (above[i] - (double)below[i]);

            // Exact but for float rounding of the sum and of the weights' difference.
            Assert.Equal(gradient[i] / 4.0 + slope, before[i] - (double)after[i], 1e-6);
        }
    }

    [Fact]
    public void Clipping_scales_the_mean_gradient_to_the_bound_and_reports_its_norm()
    {
        using var pool = new ComputePool(2);
        var network = new Network(Workbench.Classifier(70, [90], 3, ActivationKind.Tanh));
        float[] gradient = Real(network, Numbers.Row(4, 0, network.Layout.Length));
        double norm = Math.Sqrt(gradient.Sum(g => g / 8.0 * (g / 8.0)));
        foreach (double bound in new[] { norm * 0.25, norm * 2 })
        {
            var updater = new ParameterUpdater(
                network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec { ClipNorm = (float)bound }, pool);
            float[] parameters = new float[network.Layout.Length];
            UpdateReport report = updater.Apply(0, 1, [new(new TreeNode(0, 0), gradient)], 8, parameters);
            Assert.Equal(norm, report.GradientNorm!.Value, norm * 1e-6);
            Assert.Equal(Math.Min(norm, bound), Math.Sqrt(parameters.Sum(w => (double)w * w)), norm * 1e-6);
        }
    }

    [Fact]
    public void Max_norm_bounds_each_unit_and_leaves_smaller_ones_alone()
    {
        using var pool = new ComputePool(2);
        var network = new Network(Workbench.Classifier(30, [20], 3, ActivationKind.Tanh));
        float[] before = Workbench.Parameters(network), after = [.. before];
        float[] zero = new float[before.Length];
        before.AsSpan(16 * 3, 1).Fill(5);
        after[16 * 3] = 5;
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec { MaxNorm = 2 }, pool);
        updater.Apply(0, 1, [new(new TreeNode(0, 0), zero)], 1, after);
        LayerLayout layer = network.Layout.Layers[0];
        for (int unit = 0; unit < layer.Units; unit++)
        {
            int panel = layer.WeightsOffset + unit / 16 * layer.Inputs * 16 + unit % 16;
            double Norm(float[] vector) => Math.Sqrt(Enumerable.Range(0, layer.Inputs).Sum(i => (double)vector[panel + i * 16] * vector[panel + i * 16]));
            Assert.Equal(Math.Min(2, Norm(before)), Norm(after), 1e-6);
            if (Norm(before) <= 2)
            {
                Assert.All(Enumerable.Range(0, layer.Inputs), i => Assert.Equal(before[panel + i * 16], after[panel + i * 16]));
            }
        }

        Assert.Equal(before[layer.BiasOffset], after[layer.BiasOffset]);
    }

    [Fact]
    public void Bits_are_the_same_for_every_thread_count_and_kernel()
    {
        var regularization = new RegularizationSpec { L1 = 0.001f, L2 = 0.01f, MaxNorm = 1.5f, ClipNorm = 0.5f };
        var network = new Network(Workbench.Classifier(130, [40], 10, ActivationKind.Tanh));
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            uint[] expected = Numbers.Bits(Steps(network, kind, regularization, 1, KernelSelection.All[^1]).Parameters);
            foreach (int threads in new[] { 1, 3 })
            {
                foreach (KernelSet kernels in KernelSelection.All)
                {
                    Assert.Equal(expected, Numbers.Bits(Steps(network, kind, regularization, threads, kernels).Parameters));
                }
            }
        }
    }

    [Fact]
    public void Parts_of_any_cover_give_the_bits_of_the_tree()
    {
        using var pool = new ComputePool(2);
        var network = new Network(Workbench.Classifier(50, [30], 10, ActivationKind.Tanh));
        const int Shards = 8;
        float[][] leaves = [.. Enumerable.Range(0, Shards).Select(i => Real(network, Numbers.Row(21, i, network.Layout.Length)))];
        uint[]? expected = null;
        foreach (int[] cuts in new int[][] { [0, 8], [0, 4, 8], [0, 3, 8], [0, 1, 2, 5, 7, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8] })
        {
            GradientPart[] parts =
            [
                .. from pair in cuts.Zip(cuts.Skip(1))
                   from node in TreeNode.Cover(pair.First, pair.Second)
                   select new GradientPart(node, Sum(node)),
            ];
            var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Adam }, new RegularizationSpec(), pool);
            float[] parameters = Workbench.Parameters(network);
            updater.Apply(0, 0.01, parts, 100, parameters);
            Assert.Equal(expected ??= Numbers.Bits(parameters), Numbers.Bits(parameters));
        }

        float[] Sum(TreeNode node) =>
            node.Level == 0 ? leaves[node.Index] : [.. Sum(node.Left).Zip(Sum(node.Right), (left, right) => left + right)];
    }

    [Fact]
    public void Parts_that_are_no_tree_are_refused()
    {
        using var pool = new ComputePool(1);
        Network network = OneWeight();
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec(), pool);
        float[] gradient = new float[network.Layout.Length];
        foreach (TreeNode[] nodes in new TreeNode[][] { [], [new(0, 1)], [new(0, 0), new(1, 1)], [new(1, 0), new(0, 2)], [new(0, 0), new(0, 0)] })
        {
            Assert.Throws<ArgumentException>(() =>
                updater.Apply(0, 1, [.. nodes.Select(node => new GradientPart(node, gradient))], 1, new float[network.Layout.Length]));
        }
    }

    [Fact]
    public void A_parameter_that_is_not_finite_is_reported_with_its_layer()
    {
        using var pool = new ComputePool(1);
        var network = new Network(Workbench.Classifier(4, [6, 5], 3, ActivationKind.Tanh));
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, new RegularizationSpec(), pool);
        float[] gradient = new float[network.Layout.Length], parameters = Workbench.Parameters(network);
        Assert.Equal(new UpdateReport(null, null), updater.Apply(0, 1, [new(new TreeNode(0, 0), gradient)], 1, parameters));
        gradient[network.Layout.Layers[2].WeightsOffset] = float.NaN;
        gradient[network.Layout.Layers[1].BiasOffset] = float.PositiveInfinity;
        Assert.Equal(1, updater.Apply(1, 1, [new(new TreeNode(0, 0), gradient)], 1, parameters).NonFiniteLayer);
    }

    [Fact]
    public void State_put_into_another_updater_resumes_to_the_same_bits()
    {
        using var pool = new ComputePool(1);
        var network = new Network(Workbench.Classifier(8, [6], 3, ActivationKind.Tanh));
        var spec = new OptimizerSpec { Kind = OptimizerKind.Adam };
        var first = new ParameterUpdater(network, spec, new RegularizationSpec(), pool);
        var second = new ParameterUpdater(network, spec, new RegularizationSpec(), pool);
        float[] gradient = Real(network, Numbers.Row(2, 2, network.Layout.Length)), parameters = Workbench.Parameters(network);
        first.Apply(0, 0.1, [new(new TreeNode(0, 0), gradient)], 1, parameters);
        float[] resumed = [.. parameters];
        Assert.Equal(["firstMoment", "secondMoment"], second.Slots.Select(slot => slot.Name));
        for (int i = 0; i < first.Slots.Count; i++)
        {
            first.Slots[i].Values.CopyTo(second.Slots[i].Values);
        }

        first.Apply(1, 0.1, [new(new TreeNode(0, 0), gradient)], 1, parameters);
        second.Apply(1, 0.1, [new(new TreeNode(0, 0), gradient)], 1, resumed);
        Assert.Equal(Numbers.Bits(parameters), Numbers.Bits(resumed));
    }

    [Theory]
    [InlineData(1.5f, 1e-8f, "momentum is 1.5; it must be in [0, 1)")]
    [InlineData(0.9f, 0, "epsilon is 0; it must be above 0")]
    public void Constants_out_of_range_are_named(float momentum, float epsilon, string message)
    {
        using var pool = new ComputePool(1);
        var spec = new OptimizerSpec { Kind = OptimizerKind.Adam, Momentum = momentum, Epsilon = epsilon };
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new ParameterUpdater(OneWeight(), spec, new RegularizationSpec(), pool)).Message);
    }

    private const int Bias = 16;

    private static Network OneWeight() => new(new NetworkSpec
    {
        Inputs = 1,
        Layers = [Workbench.Layer(1, ActivationKind.Identity)],
        Loss = LossKind.MeanSquaredError,
    });

    private static float[] Vector(Network network, float value)
    {
        float[] vector = new float[network.Layout.Length];
        vector[0] = vector[Bias] = value;
        return vector;
    }

    /// <summary>The vector with its padding cleared, as gradients have it.</summary>
    private static float[] Real(Network network, float[] vector)
    {
        for (int layer = 0; layer < network.Layout.Layers.Count; layer++)
        {
            LayerLayout at = network.Layout.Layers[layer];
            float[] weights = new float[at.Inputs * at.Units], bias = new float[at.Units];
            network.Layout.ExportLayer(vector, layer, weights, bias);
            network.Layout.ImportLayer(vector, layer, weights, bias);
        }

        return vector;
    }

    private static (float[] Parameters, UpdateReport Report) Steps(
        Network network, OptimizerKind kind, RegularizationSpec regularization, int threads, KernelSet kernels)
    {
        using var pool = new ComputePool(threads);
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = kind, WeightDecay = 0.1f }, regularization, pool, kernels);
        float[] parameters = Workbench.Parameters(network);
        UpdateReport report = default;
        for (int step = 0; step < 4; step++)
        {
            float[] gradient = Real(network, Numbers.Row(17, step, network.Layout.Length));
            report = updater.Apply(step, 0.1, [new(new TreeNode(0, 0), gradient)], 3, parameters);
        }

        return (parameters, report);
    }
}
