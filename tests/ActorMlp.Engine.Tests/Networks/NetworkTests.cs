using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Tests.Reference;

namespace ActorMlp.Engine.Tests.Networks;

public sealed class NetworkTests
{
    [Theory]
    [InlineData(InitializerKind.GlorotUniform, 2.0 / (300 + 200), 1.7320508)]
    [InlineData(InitializerKind.GlorotNormal, 2.0 / (300 + 200), 6)]
    [InlineData(InitializerKind.HeUniform, 2.0 / 300, 1.7320508)]
    [InlineData(InitializerKind.HeNormal, 2.0 / 300, 6)]
    public void Initial_weights_have_the_variance_and_the_range(InitializerKind kind, double variance, double rangeInDeviations)
    {
        (float[] weights, float[] bias) = First(300, 200, kind, 1);
        double mean = weights.Average(), square = weights.Average(w => (double)w * w);

        // 60,000 draws: five standard errors of mean (0.41 %) and variance (0.58 %, normal).
        Assert.Equal(0, mean, 5 * Math.Sqrt(variance / weights.Length));
        Assert.Equal(variance, square, variance * 5 * Math.Sqrt(2.0 / weights.Length));
        Assert.True(weights.Max(Math.Abs) <= rangeInDeviations * Math.Sqrt(variance) * 1.0000001);
        Assert.True(weights.Distinct().Count() > 0.99 * weights.Length);
        Assert.All(bias, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Normal_weights_have_the_normal_distributions_tails()
    {
        (float[] weights, _) = First(300, 200, InitializerKind.HeNormal, 3);
        double deviation = Math.Sqrt(2.0 / 300);
        foreach ((double bound, double share) in new[] { (0.5, 0.3829249), (1, 0.6826895), (2, 0.9544997), (3, 0.9973002) })
        {
            double error = 5 * Math.Sqrt(share * (1 - share) / weights.Length);
            Assert.Equal(share, weights.Count(w => Math.Abs(w) < bound * deviation) / (double)weights.Length, error);
        }
    }

    [Fact]
    public void Zero_and_constant_weights_are_what_they_say()
    {
        Assert.All(First(5, 4, InitializerKind.Zeros, 1).Weights, weight => Assert.Equal(0, weight));
        Assert.All(First(5, 4, InitializerKind.Constant, 1).Weights, weight => Assert.Equal(0.25f, weight));
    }

    [Fact]
    public void Initial_weights_depend_on_seed_and_place_alone()
    {
        Assert.Equal(First(30, 20, InitializerKind.HeNormal, 5).Weights, First(30, 20, InitializerKind.HeNormal, 5).Weights);
        Assert.NotEqual(First(30, 20, InitializerKind.HeNormal, 5).Weights, First(30, 20, InitializerKind.HeNormal, 6).Weights);

        // He's deviation depends on inputs only: a wider layer has the same weights where it overlaps, however they are packed.
        (float[] narrow, _) = First(30, 20, InitializerKind.HeNormal, 5);
        (float[] wide, _) = First(30, 37, InitializerKind.HeNormal, 5);
        for (int i = 0; i < 30 * 20; i++)
        {
            Assert.Equal(narrow[i], wide[i / 20 * 37 + i % 20]);
        }
    }

    [Fact]
    public void Initial_weights_are_these_bits_on_every_machine()
    {
        var network = new Network(Workbench.Classifier(20, [17], 5, ActivationKind.Tanh) with
        {
            Layers = [Spec(17, InitializerKind.HeNormal), Spec(9, InitializerKind.GlorotUniform), Workbench.Layer(5, ActivationKind.Softmax)],
        });
        float[] parameters = new float[network.Layout.Length];
        network.Initialize(42, parameters);
        Assert.Equal(GoldenHash, network.Layout.Sha256(parameters));
    }

    public static TheoryData<NetworkSpec, string> BadSpecs()
    {
        NetworkSpec good = Workbench.Classifier(4, [3], 2, ActivationKind.Relu);
        LayerSpec output = good.Layers[1];
        return new()
        {
            { good with { Inputs = 0 }, "at least 1 input" },
            { good with { Layers = [] }, "at least one layer" },
            { good with { InputDropout = 1 }, "dropout on the inputs is 1" },
            { good with { Layers = [good.Layers[0] with { Units = 0 }, output] }, "layer 1 needs at least 1 unit" },
            { good with { Layers = [good.Layers[0] with { Dropout = -0.1f }, output] }, "dropout on layer 1" },
            { good with { Layers = [good.Layers[0] with { LeakySlope = float.NaN }, output] }, "leaky slope" },
            { good with { Layers = [good.Layers[0], output with { Dropout = 0.5f }] }, "output layer cannot have dropout" },
            { good with { Layers = [output, output] }, "softmax is for the output layer" },
            { good with { Loss = LossKind.BinaryCrossEntropy }, "does not go with" },
            { good with { Loss = LossKind.MeanSquaredError }, "does not go with" },
            { good with { Layers = [good.Layers[0] with { Units = 100_000 }, output with { Units = 100_000 }] }, "more parameters than one vector holds" },
        };
    }

    [Theory]
    [MemberData(nameof(BadSpecs))]
    public void Network_that_makes_no_sense_is_refused_with_the_reason(NetworkSpec spec, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => new Network(spec)).Message, StringComparison.Ordinal);

    private const string GoldenHash = "bdd1f51b9faeb3a3f65b1596bb0976134f886bc7df18cdf3355c0046ece5649e";

    private static LayerSpec Spec(int units, InitializerKind kind) => Workbench.Layer(units, ActivationKind.Relu) with { Initializer = kind, InitialConstant = 0.25f };

    private static (float[] Weights, float[] Bias) First(int inputs, int units, InitializerKind kind, ulong seed)
    {
        var network = new Network(Workbench.Classifier(inputs, [], 2, ActivationKind.Tanh) with
        {
            Layers = [Spec(units, kind), Workbench.Layer(2, ActivationKind.Softmax)],
        });
        float[] parameters = new float[network.Layout.Length], weights = new float[inputs * units], bias = new float[units];
        network.Initialize(seed, parameters);
        network.Layout.ExportLayer(parameters, 0, weights, bias);
        return (weights, bias);
    }
}
