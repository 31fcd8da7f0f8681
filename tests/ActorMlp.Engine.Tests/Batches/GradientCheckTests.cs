using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Batches;

/// <summary>Gradients against central differences of a naive network in double precision.</summary>
public sealed class GradientCheckTests
{
    private const int Rows = 19;
    private const int Inputs = 6;

    public static TheoryData<ActivationKind, LossKind, bool, bool, bool> Cases()
    {
        var cases = new TheoryData<ActivationKind, LossKind, bool, bool, bool>();
        ActivationKind[] hidden = [ActivationKind.Identity, ActivationKind.Sigmoid, ActivationKind.Tanh, ActivationKind.Relu, ActivationKind.LeakyRelu];
        foreach (ActivationKind activation in hidden)
        {
            foreach (LossKind loss in Enum.GetValues<LossKind>())
            {
                foreach (bool dropout in new[] { false, true })
                {
                    cases.Add(activation, loss, dropout, true, true);
                    cases.Add(activation, loss, dropout, loss == LossKind.CategoricalCrossEntropy, true);
                    cases.Add(activation, loss, dropout, loss == LossKind.CategoricalCrossEntropy, false);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradient_agrees_with_central_differences(ActivationKind activation, LossKind loss, bool dropout, bool labelled, bool hiddenLayers)
    {
        ActivationKind output = loss switch
        {
            LossKind.BinaryCrossEntropy => ActivationKind.Sigmoid,
            LossKind.CategoricalCrossEntropy => ActivationKind.Softmax,
            _ => activation,
        };
        int outputs = loss == LossKind.BinaryCrossEntropy && labelled ? 1 : 3;
        float p = dropout ? 0.25f : 0;
        LayerSpec[] hidden = hiddenLayers ? [Workbench.Layer(7, activation, p), Workbench.Layer(5, activation, p)] : [];
        var spec = new NetworkSpec
        {
            Inputs = Inputs,
            InputDropout = p,
            Layers = [.. hidden, Workbench.Layer(outputs, output)],
            Loss = loss,
        };
        var network = new Network(spec);
        float[] parameters = Workbench.Parameters(network);
        StepBatch batch = Workbench.Batch(TableSource.Random(40, Inputs, outputs, labelled), Rows, 2);
        using var pool = new ComputePool(1);
        (float[] gradient, GradientTotals totals) = Workbench.Gradient(network, batch, TreeNode.Root(2), parameters, pool);

        (double[][] weights, double[][] biases) = Unpack(network, parameters);
        (double[][] weightGradient, double[][] biasGradient) = Unpack(network, gradient);
        var naive = new NaiveNetwork(spec);
        (ulong, long)? key = dropout ? (batch.Seed, batch.Step) : null;
        Assert.Equal(naive.Cost(weights, biases, batch.Source, batch.Rows.Span, key), totals.LossSum, 1e-5 * Rows);
        foreach ((double[] values, double[] derivative) in weights.Concat(biases).Zip(weightGradient.Concat(biasGradient)))
        {
            for (int i = 0; i < values.Length; i++)
            {
                // A difference over 2e-6 errs by its square times the third derivative and 1e-15/1e-6 of rounding: far below float's own 1e-5.
                const double Step = 1e-6;
                double kept = values[i];
                values[i] = kept + Step;
                double above = naive.Cost(weights, biases, batch.Source, batch.Rows.Span, key);
                values[i] = kept - Step;
                double below = naive.Cost(weights, biases, batch.Source, batch.Rows.Span, key);
                values[i] = kept;
                double expected = (above - below) / (2 * Step);
                Assert.Equal(expected, derivative[i], 2e-5 * (1 + Math.Abs(expected)));
            }
        }
    }

    internal static (double[][] Weights, double[][] Biases) Unpack(Network network, float[] vector)
    {
        double[][] weights = new double[network.Layout.Layers.Count][], biases = new double[network.Layout.Layers.Count][];
        for (int layer = 0; layer < weights.Length; layer++)
        {
            LayerLayout at = network.Layout.Layers[layer];
            float[] layerWeights = new float[at.Inputs * at.Units], bias = new float[at.Units];
            network.Layout.ExportLayer(vector, layer, layerWeights, bias);
            weights[layer] = [.. layerWeights.Select(value => (double)value)];
            biases[layer] = [.. bias.Select(value => (double)value)];
        }

        return (weights, biases);
    }
}
