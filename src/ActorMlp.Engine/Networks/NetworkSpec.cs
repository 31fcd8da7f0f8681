namespace ActorMlp.Engine.Networks;

/// <summary>A layer's activation function.</summary>
public enum ActivationKind
{
    /// <summary>f(z) = z.</summary>
    Identity,

    /// <summary>f(z) = 1 / (1 + exp(-z)).</summary>
    Sigmoid,

    /// <summary>f(z) = tanh(z).</summary>
    Tanh,

    /// <summary>f(z) = max(0, z).</summary>
    Relu,

    /// <summary>f(z) = z for z &gt; 0, slope·z otherwise.</summary>
    LeakyRelu,

    /// <summary>f(z)_j = exp(z_j) / Σ exp(z_i); output layer only, with categorical cross-entropy.</summary>
    Softmax,
}

/// <summary>The cost of one row.</summary>
public enum LossKind
{
    /// <summary>Σ over outputs of max(z,0) - z·t + log(1 + exp(-|z|)) on logits z, targets t in [0, 1]; output activation sigmoid.</summary>
    BinaryCrossEntropy,

    /// <summary>log Σ exp(z_j) - z_label on logits z; output activation softmax.</summary>
    CategoricalCrossEntropy,

    /// <summary>(1/outputs) Σ (y - t)²; any elementwise output activation.</summary>
    MeanSquaredError,
}

/// <summary>How a layer's weights start; biases start at zero.</summary>
public enum InitializerKind
{
    /// <summary>Uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010).</summary>
    GlorotUniform,

    /// <summary>Normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010).</summary>
    GlorotNormal,

    /// <summary>Uniform in ±√(6 / inputs) (He et al. 2015).</summary>
    HeUniform,

    /// <summary>Normal with variance 2 / inputs (He et al. 2015).</summary>
    HeNormal,

    /// <summary>All zero: shows why symmetry must be broken.</summary>
    Zeros,

    /// <summary>All equal to <see cref="LayerSpec.InitialConstant"/>.</summary>
    Constant,
}

/// <summary>A fully connected layer: z = x·W + b, y = f(z), then inverted dropout.</summary>
public sealed record LayerSpec
{
    /// <summary>Number of units (outputs), at least 1.</summary>
    public required int Units { get; init; }

    /// <summary>f.</summary>
    public required ActivationKind Activation { get; init; }

    /// <summary>Slope of <see cref="ActivationKind.LeakyRelu"/> below zero.</summary>
    public float LeakySlope { get; init; } = 0.01f;

    /// <summary>Probability with which a unit's output is dropped in training, in [0, 1); 0 on the output layer.</summary>
    public float Dropout { get; init; }

    /// <summary>How the weights start.</summary>
    public required InitializerKind Initializer { get; init; }

    /// <summary>The value of <see cref="InitializerKind.Constant"/>.</summary>
    public float InitialConstant { get; init; }
}

/// <summary>A multilayer perceptron. The last layer is the output; a single layer is a perceptron (logistic or linear regression).</summary>
public sealed record NetworkSpec
{
    /// <summary>Number of input columns, at least 1.</summary>
    public required int Inputs { get; init; }

    /// <summary>Probability with which an input is dropped in training, in [0, 1).</summary>
    public float InputDropout { get; init; }

    /// <summary>Layers, first hidden to output; at least one.</summary>
    public required IReadOnlyList<LayerSpec> Layers { get; init; }

    /// <summary>The cost that training minimises.</summary>
    public required LossKind Loss { get; init; }
}
