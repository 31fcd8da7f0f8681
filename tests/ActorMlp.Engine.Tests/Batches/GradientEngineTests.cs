using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

public sealed class GradientEngineTests
{
    [Theory]
    [InlineData(LossKind.CategoricalCrossEntropy, 4, true)]
    [InlineData(LossKind.BinaryCrossEntropy, 1, true)]
    [InlineData(LossKind.BinaryCrossEntropy, 3, false)]
    [InlineData(LossKind.MeanSquaredError, 3, true)]
    [InlineData(LossKind.MeanSquaredError, 1, true)]
    [InlineData(LossKind.MeanSquaredError, 2, false)]
    public void Evaluation_and_prediction_agree_with_the_naive_network(LossKind loss, int outputs, bool labelled)
    {
        ActivationKind output = loss switch
        {
            LossKind.BinaryCrossEntropy => ActivationKind.Sigmoid,
            LossKind.CategoricalCrossEntropy => ActivationKind.Softmax,
            _ => ActivationKind.Identity,
        };
        var spec = new NetworkSpec
        {
            Inputs = 7,
            InputDropout = 0.5f,
            Layers = [Workbench.Layer(11, ActivationKind.Tanh, 0.5f), Workbench.Layer(outputs, output)],
            Loss = loss,
        };
        var network = new Network(spec);
        float[] parameters = Workbench.Parameters(network);
        TableSource source = TableSource.Random(60, 7, outputs, labelled);
        using var pool = new ComputePool(2);
        var engine = new GradientEngine(network, pool);
        const int First = 3, Rows = 50;
        EvaluationTotals totals = engine.Evaluate(source, First, Rows, parameters);
        float[] predicted = new float[Rows * outputs];
        engine.Predict(source, First, Rows, parameters, predicted);

        var naive = new NaiveNetwork(spec);
        (double[][] weights, double[][] biases) = GradientCheckTests.Unpack(network, parameters);
        double loss2 = naive.Cost(weights, biases, source, [.. Enumerable.Range(First, Rows)], null);
        long correct = 0;
        double error = 0, sum = 0, square = 0;
        for (int row = 0; row < Rows; row++)
        {
            double[] y = naive.Outputs(weights, biases, source, First + row);
            for (int i = 0; i < outputs; i++)
            {
                Assert.Equal(y[i], predicted[row * outputs + i], 2e-6);
            }

            if (labelled)
            {
                int decision = outputs == 1 ? (y[0] >= 0.5 ? 1 : 0) : Array.IndexOf(y, y.Max());
                correct += decision == source.Label(First + row) ? 1 : 0;
                continue;
            }

            float[] target = new float[outputs];
            source.CopyTargets(First + row, target);
            error += y.Zip(target, (a, b) => (a - b) * (a - b)).Sum();
            sum += target.Sum(t => (double)t);
            square += target.Sum(t => (double)t * t);
        }

        Assert.Equal(loss2, totals.LossSum, 1e-4);
        Assert.Equal((Rows, correct), (totals.Rows, totals.Correct));
        Assert.Equal(error, totals.SquaredErrorSum, 1e-4);
        Assert.Equal(sum, totals.TargetSum, 1e-9);
        Assert.Equal(square, totals.TargetSquareSum, 1e-9);
    }

    [Fact]
    public void Evaluation_in_two_halves_adds_up_over_more_rows_than_are_held_at_once()
    {
        var network = new Network(Workbench.Classifier(5, [8], 3, ActivationKind.Relu, 0.5f));
        float[] parameters = Workbench.Parameters(network);
        TableSource source = TableSource.Random(5000, 5, 3, true);
        using var pool = new ComputePool(2);
        var engine = new GradientEngine(network, pool);
        EvaluationTotals whole = engine.Evaluate(source, 0, 5000, parameters);
        EvaluationTotals halves = engine.Evaluate(source, 0, 2111, parameters) + engine.Evaluate(source, 2111, 2889, parameters);
        Assert.Equal(whole.Rows, halves.Rows);
        Assert.Equal(whole.Correct, halves.Correct);
        Assert.Equal(whole.LossSum, halves.LossSum, 1e-9 * whole.LossSum);
        Assert.Equal(whole, engine.Evaluate(source, 0, 5000, parameters));
        Assert.Equal(default, engine.Evaluate(source, 9, 0, parameters));
    }

    [Theory]
    [InlineData(LossKind.CategoricalCrossEntropy, 3, 1e4f)]
    [InlineData(LossKind.CategoricalCrossEntropy, 3, -1e4f)]
    [InlineData(LossKind.BinaryCrossEntropy, 1, 1e4f)]
    [InlineData(LossKind.BinaryCrossEntropy, 1, -1e4f)]
    public void Loss_and_gradient_are_finite_and_right_at_logits_of_ten_thousand(LossKind loss, int outputs, float logit)
    {
        var spec = new NetworkSpec
        {
            Inputs = 1,
            Layers = [Workbench.Layer(outputs, outputs == 1 ? ActivationKind.Sigmoid : ActivationKind.Softmax)],
            Loss = loss,
        };
        var network = new Network(spec);
        float[] parameters = new float[network.Layout.Length];
        parameters[network.Layout.Layers[0].BiasOffset + outputs - 1] = logit;
        var source = new TableSource([[1], [1]], [0, 1], null);
        using var pool = new ComputePool(1);
        (float[] gradient, GradientTotals totals) = Workbench.Gradient(
            network, Workbench.Batch(source, 2, 1), new TreeNode(0, 0), parameters, pool);
        Assert.All(gradient, value => Assert.True(float.IsFinite(value)));

        // One of two rows is right for nothing under binary loss; under softmax both pay, or share the even rest.
        double expected = (loss, logit) switch
        {
            (LossKind.BinaryCrossEntropy, _) => 1e4,
            (_, > 0) => 2e4,
            _ => 2 * Math.Log(2),
        };
        Assert.Equal(expected, totals.LossSum, 1e-3);
    }

    [Fact]
    public void Step_allocates_nothing_after_the_first()
    {
        var network = new Network(Workbench.Classifier(40, [33, 20], 10, ActivationKind.Relu, 0.2f));
        using var pool = new ComputePool(2);
        var engine = new GradientEngine(network, pool);
        var regularization = new RegularizationSpec { L2 = 0.1f, ClipNorm = 0.1f, MaxNorm = 1 };
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Adam }, regularization, pool);
        float[] parameters = Workbench.Parameters(network), left = new float[parameters.Length], right = new float[parameters.Length];
        StepBatch batch = Workbench.Batch(TableSource.Random(300, 40, 10, true), 150, 4);
        GradientPart[] parts = [new(new TreeNode(1, 0), left), new(new TreeNode(1, 1), right)];
        long allocated = pool.Run(() =>
        {
            long before = 0;
            for (int step = 0; step < 20; step++)
            {
                // Ten steps of grace: the just-in-time compiler and the scratch of a helper that came late.
                before = step == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
                engine.ComputeGradient(batch, parts[0].Node, parameters, left);
                engine.ComputeGradient(batch, parts[1].Node, parameters, right);
                updater.Apply(step, 0.01, parts, 150, parameters);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Unaligned_vectors_give_the_same_bits()
    {
        var network = new Network(Workbench.Classifier(19, [21], 10, ActivationKind.Tanh));
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(60, 19, 10, true), 40, 2);
        using var pool = new ComputePool(2);
        uint[] expected = Numbers.Bits(Workbench.Gradient(network, batch, TreeNode.Root(2), parameters, pool).Gradient);
        float[] shifted = [0, .. parameters], gradient = new float[parameters.Length + 3];
        pool.Run(() => new GradientEngine(network, pool).ComputeGradient(batch, TreeNode.Root(2), shifted.AsSpan(1), gradient.AsSpan(3)));
        Assert.Equal(expected, Numbers.Bits(gradient.AsSpan(3)));
    }

    [Fact]
    public void Engine_used_for_many_shapes_in_turn_gives_what_a_fresh_one_gives()
    {
        var network = new Network(Workbench.Classifier(19, [21, 9], 10, ActivationKind.LeakyRelu, 0.3f));
        float[] parameters = Workbench.Parameters(network), gradient = new float[network.Layout.Length];
        TableSource source = TableSource.Random(400, 19, 10, true);
        using var pool = new ComputePool(2);
        var engine = new GradientEngine(network, pool);
        foreach (int rows in new[] { 300, 5, 128, 17, 299 })
        {
            StepBatch batch = Workbench.Batch(source, rows, 2, rows);
            GradientTotals totals = pool.Run(() => engine.ComputeGradient(batch, TreeNode.Root(2), parameters, gradient));
            (float[] fresh, GradientTotals freshTotals) = Workbench.Gradient(network, batch, TreeNode.Root(2), parameters, pool);
            Assert.Equal(Numbers.Bits(fresh), Numbers.Bits(gradient));
            Assert.Equal(freshTotals, totals);
            engine.Evaluate(source, 0, rows, parameters);
        }
    }

    [Fact]
    public void Gradient_of_padding_is_zero()
    {
        var network = new Network(Workbench.Classifier(9, [5], 3, ActivationKind.Sigmoid, 0.2f));
        using var pool = new ComputePool(1);
        float[] gradient = Workbench.Gradient(
            network, Workbench.Batch(TableSource.Random(40, 9, 3, true), 33, 2), TreeNode.Root(2), Workbench.Parameters(network), pool).Gradient;
        float[] clean = [.. gradient];
        for (int layer = 0; layer < 2; layer++)
        {
            LayerLayout at = network.Layout.Layers[layer];
            float[] weights = new float[at.Inputs * at.Units], bias = new float[at.Units];
            network.Layout.ExportLayer(gradient, layer, weights, bias);
            network.Layout.ImportLayer(clean, layer, weights, bias);
        }

        Assert.Equal(Numbers.Bits(clean), Numbers.Bits(gradient));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var network = new Network(Workbench.Classifier(9, [5], 3, ActivationKind.Relu));
        using var pool = new ComputePool(1);
        var engine = new GradientEngine(network, pool);
        float[] parameters = Workbench.Parameters(network), gradient = new float[parameters.Length];
        TableSource good = TableSource.Random(20, 9, 3, true);
        StepBatch batch = Workbench.Batch(good, 10, 2);
        Assert.Throws<ArgumentException>(() => engine.ComputeGradient(batch, new TreeNode(0, 2), parameters, gradient));
        Assert.Throws<ArgumentException>(() => engine.ComputeGradient(batch with { Shards = 3 }, new TreeNode(0, 0), parameters, gradient));
        Assert.Throws<ArgumentException>(() => engine.ComputeGradient(batch, new TreeNode(0, 0), parameters, gradient.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => engine.Evaluate(TableSource.Random(20, 8, 3, true), 0, 20, parameters));
        Assert.Throws<ArgumentException>(() => engine.Evaluate(TableSource.Random(20, 9, 3, false), 0, 20, parameters));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.Evaluate(good, 1, 20, parameters));
        Assert.Throws<ArgumentException>(() => engine.ComputeGradient(batch, new TreeNode(33, 0), parameters, gradient));
        var mislabelled = new TableSource([new float[9]], [3], null);
        Assert.Equal(
            "row 0 has class 3; the network's outputs allow 0 to 2",
            Assert.Throws<InvalidDataException>(() => engine.Evaluate(mislabelled, 0, 1, parameters)).Message);
        Assert.Throws<ArgumentException>(() => engine.Predict(good, 0, 20, parameters, new float[59]));
    }
}
