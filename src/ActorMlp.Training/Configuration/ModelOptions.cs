using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using ActorMlp.Engine.Networks;

namespace ActorMlp.Training.Configuration;

/// <summary>The section <c>model</c> of a run file. A list may be given as one value, which then holds for every hidden layer.</summary>
public sealed record ModelOptions
{
    /// <summary>Units of each hidden layer; empty for a perceptron.</summary>
    [Description("Units of each hidden layer; [] for a single perceptron (logistic or linear regression).")]
    [Range(1, 65536)]
    public IReadOnlyList<int> Hidden { get; init; } = [100];

    /// <summary>Activation of the hidden layers: one for all, or one each.</summary>
    [Description("Activation of the hidden layers: one for all, or a list with one each. Softmax is for the output only.")]
    public IReadOnlyList<ActivationKind> Activation { get; init; } = [ActivationKind.Relu];

    /// <summary>Slope of leaky ReLU below zero.</summary>
    [Description("Slope of leakyRelu below zero.")]
    [Range(0.0, 1.0)]
    public double LeakySlope { get; init; } = 0.01;

    /// <summary>The cost; null: by task.</summary>
    [Description("The cost. If absent: categoricalCrossEntropy for classes (binaryCrossEntropy for two), meanSquaredError for numbers.")]
    public LossKind? Loss { get; init; }

    /// <summary>Activation of the output; null: what the loss asks for.</summary>
    [Description("Activation of the output. If absent, what the loss asks for: softmax, sigmoid or identity.")]
    public ActivationKind? OutputActivation { get; init; }

    /// <summary>How weights start; null: by activation.</summary>
    [Description("How weights start. If absent: heUniform for relu and leakyRelu layers, glorotUniform for the others.")]
    public InitializerKind? Initializer { get; init; }

    /// <summary>The value of the initializer <c>constant</c>.</summary>
    [Description("The value that the initializer 'constant' gives to every weight.")]
    [Range(-1000.0, 1000.0)]
    public double InitialConstant { get; init; } = 0.1;

    /// <summary>Dropout on the inputs.</summary>
    [Description("Probability with which an input is dropped in training.")]
    [Range(0.0, 0.95)]
    public double InputDropout { get; init; }

    /// <summary>Dropout on the hidden layers: one for all, or one each.</summary>
    [Description("Probability with which a hidden unit is dropped in training: one for all hidden layers, or a list with one each.")]
    [Range(0.0, 0.95)]
    public IReadOnlyList<double> Dropout { get; init; } = [0.0];
}
