using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Networks;

/// <summary>A network: its shape, checked, and where its parameters lie.</summary>
public sealed class Network
{
    /// <summary>Checks the shape.</summary>
    /// <exception cref="ArgumentException">The shape is not one of a network; the message says why.</exception>
    public Network(NetworkSpec spec)
    {
        Check(spec);
        Spec = spec;
        Layout = new ParameterLayout(spec);
    }

    /// <summary>The shape.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>Where parameters lie.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Units of the output layer.</summary>
    public int OutputCount => Spec.Layers[^1].Units;

    /// <summary>
    /// Writes initial parameters. Each weight is a function of (seed, layer, input·units + unit), so neither layout nor order matters; biases are zero.
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="parameters">Receives them; as long as the layout.</param>
    public void Initialize(ulong seed, Span<float> parameters)
    {
        var random = new CounterRandom(seed, RandomPurpose.Initialization);
        parameters.Clear();
        for (int layer = 0; layer < Spec.Layers.Count; layer++)
        {
            LayerLayout at = Layout.Layers[layer];
            LayerSpec spec = Spec.Layers[layer];
            for (int input = 0; input < at.Inputs; input++)
            {
                for (int unit = 0; unit < at.Units; unit++)
                {
                    parameters[at.WeightIndex(input, unit)] =
                        InitialWeight(random, spec, at, layer, (uint)((long)input * at.Units + unit));
                }
            }
        }
    }

    private static float InitialWeight(CounterRandom random, LayerSpec spec, LayerLayout at, int layer, uint index)
    {
        double Uniform(double variance) =>
            Math.Sqrt(3 * variance) * (2 * random.Uniform((ulong)layer, 0, index) - 1);
        double Normal(double variance) => Math.Sqrt(variance) * random.Normal((ulong)layer, index);

        double glorot = 2.0 / (at.Inputs + at.Units), he = 2.0 / at.Inputs;
        return (float)(spec.Initializer switch
        {
            InitializerKind.GlorotUniform => Uniform(glorot),
            InitializerKind.GlorotNormal => Normal(glorot),
            InitializerKind.HeUniform => Uniform(he),
            InitializerKind.HeNormal => Normal(he),
            InitializerKind.Constant => spec.InitialConstant,
            _ => 0,
        });
    }

    private static void Check(NetworkSpec spec)
    {
        Require(spec.Inputs >= 1, "a network has at least one input");
        Require(spec.Layers.Count >= 1, "a network has at least one layer");
        Require(spec.InputDropout is >= 0 and < 1, "dropout is in [0, 1)");
        for (int i = 0; i < spec.Layers.Count; i++)
        {
            LayerSpec layer = spec.Layers[i];
            bool last = i == spec.Layers.Count - 1;
            Require(layer.Units >= 1, $"layer {i} has no units");
            Require(layer.Dropout is >= 0 and < 1, $"layer {i}: dropout is in [0, 1)");
            Require(!last || layer.Dropout == 0, "the output layer has no dropout");
            Require(last || layer.Activation != ActivationKind.Softmax, $"layer {i}: softmax is for the output layer only");
        }

        ActivationKind output = spec.Layers[^1].Activation;
        Require(
            spec.Loss switch
            {
                LossKind.BinaryCrossEntropy => output == ActivationKind.Sigmoid,
                LossKind.CategoricalCrossEntropy => output == ActivationKind.Softmax,
                _ => output != ActivationKind.Softmax,
            },
            $"the loss {spec.Loss} does not go with the output activation {output}");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
