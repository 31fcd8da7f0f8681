using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Networks;

/// <summary>A validated network: its form, the layout of its parameters, and how they start.</summary>
public sealed class Network
{
    /// <summary>Validates <paramref name="spec"/>.</summary>
    /// <exception cref="ArgumentException">The network makes no sense; the message says why.</exception>
    public Network(NetworkSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Validate(spec);
        Spec = spec;
        Layout = new ParameterLayout(spec);
    }

    /// <summary>The network's form.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>Where its parameters lie.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Number of outputs.</summary>
    public int OutputCount => Spec.Layers[^1].Units;

    /// <summary>
    /// Writes the initial parameters. The weight from input k to unit o of layer l (from 0) is drawn at (seed, initialization, l, k, o),
    /// so it depends on nothing else.
    /// </summary>
    public void Initialize(ulong seed, Span<float> parameters)
    {
        if (parameters.Length != Layout.Length)
        {
            throw new ArgumentException($"the vector has {parameters.Length} floats, the layout {Layout.Length}", nameof(parameters));
        }

        var draws = new CounterRandom(seed, RandomPurpose.Initialization);
        for (int i = 0; i < Layout.Layers.Count; i++)
        {
            LayerSpec layer = Spec.Layers[i];
            LayerLayout at = Layout.Layers[i];
            float[] weights = new float[at.Inputs * at.Units];
            if (layer.Initializer != InitializerKind.Zeros)
            {
                for (int weight = 0; weight < weights.Length; weight++)
                {
                    weights[weight] = Draw(layer, at, draws, (ulong)i, (uint)(weight / at.Units), (uint)(weight % at.Units));
                }
            }

            Layout.ImportLayer(parameters, i, weights, new float[at.Units]);
        }
    }

    private static float Draw(LayerSpec layer, LayerLayout at, CounterRandom draws, ulong index, uint input, uint unit) => layer.Initializer switch
    {
        InitializerKind.GlorotUniform => Uniform(draws, index, input, unit, Math.Sqrt(6.0 / (at.Inputs + at.Units))),
        InitializerKind.GlorotNormal => Normal(draws, index, input, unit, Math.Sqrt(2.0 / (at.Inputs + at.Units))),
        InitializerKind.HeUniform => Uniform(draws, index, input, unit, Math.Sqrt(6.0 / at.Inputs)),
        InitializerKind.HeNormal => Normal(draws, index, input, unit, Math.Sqrt(2.0 / at.Inputs)),
        _ => layer.InitialConstant,
    };

    private static float Uniform(CounterRandom draws, ulong layer, uint input, uint unit, double limit) =>
        (float)((2 * draws.Uniform(layer, input, unit) - 1) * limit);

    /// <summary>Box and Muller (1958): the cosine of the pair, from two uniform numbers of one draw.</summary>
    private static float Normal(CounterRandom draws, ulong layer, uint input, uint unit, double deviation)
    {
        PhiloxBlock block = Philox.Draw(draws.Counter(layer, input, unit), draws.Key0, draws.Key1);
        double radius = 1 - Fraction(block.X0, block.X1);
        double angle = Fraction(block.X2, block.X3);
        return (float)(deviation * Math.Sqrt(-2 * DoubleElementary.Log(radius)) * DoubleElementary.CosineOfTurn(angle));
    }

    private static double Fraction(uint high, uint low) => ((((ulong)high << 32) | low) >> 11) * (1.0 / (1UL << 53));

    private static void Validate(NetworkSpec spec)
    {
        Require(spec.Inputs >= 1, $"a network needs at least 1 input, not {spec.Inputs}");
        Require(spec.Layers.Count >= 1, "a network needs at least one layer, the output");
        RequireProbability(spec.InputDropout, "the inputs");
        for (int i = 0; i < spec.Layers.Count; i++)
        {
            LayerSpec layer = spec.Layers[i];
            string name = $"layer {i + 1}";
            bool output = i == spec.Layers.Count - 1;
            Require(layer.Units >= 1, $"{name} needs at least 1 unit, not {layer.Units}");
            Require(Enum.IsDefined(layer.Activation), $"{name} has an unknown activation, {layer.Activation}");
            Require(Enum.IsDefined(layer.Initializer), $"{name} has an unknown initializer, {layer.Initializer}");
            Require(float.IsFinite(layer.LeakySlope) && layer.LeakySlope >= 0, $"{name} has a leaky slope of {layer.LeakySlope}; it must be at least 0");
            Require(float.IsFinite(layer.InitialConstant), $"{name} starts at {layer.InitialConstant}, which is not finite");
            RequireProbability(layer.Dropout, name);
            Require(!output || layer.Dropout == 0, "the output layer cannot have dropout");
            Require(output || layer.Activation != ActivationKind.Softmax, $"{name} is hidden: softmax is for the output layer");
        }

        ActivationKind last = spec.Layers[^1].Activation;
        bool fits = spec.Loss switch
        {
            LossKind.BinaryCrossEntropy => last == ActivationKind.Sigmoid,
            LossKind.CategoricalCrossEntropy => last == ActivationKind.Softmax,
            LossKind.MeanSquaredError => last != ActivationKind.Softmax,
            _ => false,
        };
        Require(fits, $"the output activation {last} does not go with {spec.Loss}: cross-entropy takes sigmoid (binary) or softmax (categorical), mean squared error any but softmax");
    }

    private static void RequireProbability(float dropout, string where) =>
        Require(dropout is >= 0 and < 1, $"dropout on {where} is {dropout}; it must be in [0, 1)");

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
