using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Networks;

namespace ActorMlp.Training.Configuration;

/// <summary>The network that a run file asks for.</summary>
public static class NetworkSpecFactory
{
    /// <summary>Completes the section <c>model</c> with what the data say.</summary>
    /// <param name="options">The section.</param>
    /// <param name="inputs">Input columns.</param>
    /// <param name="classes">Number of classes; 0 in regression.</param>
    /// <param name="task">What the target means.</param>
    public static NetworkSpec Create(ModelOptions options, int inputs, int classes, DataTask task)
    {
        LossKind loss = options.Loss ?? DefaultLoss(classes, task);
        ActivationKind outputActivation = options.OutputActivation ?? loss switch
        {
            LossKind.BinaryCrossEntropy => ActivationKind.Sigmoid,
            LossKind.CategoricalCrossEntropy => ActivationKind.Softmax,
            _ => ActivationKind.Identity,
        };
        bool oneOutput = task == DataTask.Regression || (classes == 2 && loss != LossKind.CategoricalCrossEntropy);
        var layers = new List<LayerSpec>();
        for (int i = 0; i < options.Hidden.Count; i++)
        {
            layers.Add(Layer(options, options.Hidden[i], At(options.Activation, i), (float)At(options.Dropout, i)));
        }

        layers.Add(Layer(options, oneOutput ? 1 : classes, outputActivation, 0));
        return new NetworkSpec { Inputs = inputs, InputDropout = (float)options.InputDropout, Layers = layers, Loss = loss };
    }

    private static LossKind DefaultLoss(int classes, DataTask task) =>
        task == DataTask.Regression ? LossKind.MeanSquaredError
        : classes == 2 ? LossKind.BinaryCrossEntropy
        : LossKind.CategoricalCrossEntropy;

    private static LayerSpec Layer(ModelOptions options, int units, ActivationKind activation, float dropout) => new()
    {
        Units = units,
        Activation = activation,
        LeakySlope = (float)options.LeakySlope,
        Dropout = dropout,
        Initializer = options.Initializer
            ?? (activation is ActivationKind.Relu or ActivationKind.LeakyRelu ? InitializerKind.HeUniform : InitializerKind.GlorotUniform),
        InitialConstant = (float)options.InitialConstant,
    };

    /// <summary>The value for a hidden layer: one for all, or one each.</summary>
    private static T At<T>(IReadOnlyList<T> values, int layer) => values.Count == 1 ? values[0] : values[layer];
}
