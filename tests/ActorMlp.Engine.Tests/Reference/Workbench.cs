using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Tests.Reference;

/// <summary>Short ways to networks, batches and gradients.</summary>
internal static class Workbench
{
    public static LayerSpec Layer(int units, ActivationKind activation, float dropout = 0) => new()
    {
        Units = units,
        Activation = activation,
        Dropout = dropout,
        LeakySlope = 0.1f,
        Initializer = InitializerKind.GlorotUniform,
    };

    public static NetworkSpec Classifier(int inputs, int[] hidden, int classes, ActivationKind activation, float dropout = 0) => new()
    {
        Inputs = inputs,
        InputDropout = dropout / 2,
        Layers = [.. hidden.Select(units => Layer(units, activation, dropout)), Layer(classes, ActivationKind.Softmax)],
        Loss = LossKind.CategoricalCrossEntropy,
    };

    /// <summary>Initial parameters with biases that are not zero.</summary>
    public static float[] Parameters(Network network, ulong seed = 11)
    {
        float[] parameters = new float[network.Layout.Length];
        network.Initialize(seed, parameters);
        foreach (LayerLayout layer in network.Layout.Layers)
        {
            Numbers.Row(seed, layer.BiasOffset, layer.Units).CopyTo(parameters.AsSpan(layer.BiasOffset));
        }

        return parameters;
    }

    public static StepBatch Batch(IExampleSource source, int rows, int shards, long step = 3) =>
        new(source, Enumerable.Range(0, rows).Select(i => (i * 5 + 2) % source.Rows).ToArray(), shards, step, 99);

    public static (float[] Gradient, GradientTotals Totals) Gradient(
        Network network, StepBatch batch, TreeNode node, float[] parameters, ComputePool pool, KernelSet? kernels = null)
    {
        float[] gradient = new float[network.Layout.Length];
        gradient.AsSpan().Fill(float.NaN);
        GradientTotals totals = pool.Run(() =>
            new GradientEngine(network, pool, kernels ?? KernelSelection.Current).ComputeGradient(batch, node, parameters, gradient));
        return (gradient, totals);
    }
}
