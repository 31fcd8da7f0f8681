using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Networks;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Training.Tests.Configuration;

public sealed class NetworkSpecFactoryTests
{
    [Theory]
    [InlineData(DataTask.Classification, 3, LossKind.CategoricalCrossEntropy, ActivationKind.Softmax, 3)]
    [InlineData(DataTask.Classification, 2, LossKind.BinaryCrossEntropy, ActivationKind.Sigmoid, 1)]
    [InlineData(DataTask.Regression, 0, LossKind.MeanSquaredError, ActivationKind.Identity, 1)]
    public void Create_without_loss_takes_what_the_task_asks_for(
        DataTask task, int classes, LossKind loss, ActivationKind output, int units)
    {
        NetworkSpec spec = NetworkSpecFactory.Create(new ModelOptions(), 7, classes, task);

        Assert.Equal(7, spec.Inputs);
        Assert.Equal(loss, spec.Loss);
        Assert.Equal([100, units], spec.Layers.Select(layer => layer.Units));
        Assert.Equal([ActivationKind.Relu, output], spec.Layers.Select(layer => layer.Activation));
    }

    [Theory]
    [InlineData(LossKind.CategoricalCrossEntropy, 2, ActivationKind.Softmax, 2)]
    [InlineData(LossKind.BinaryCrossEntropy, 4, ActivationKind.Sigmoid, 4)]
    [InlineData(LossKind.MeanSquaredError, 4, ActivationKind.Identity, 4)]
    [InlineData(LossKind.MeanSquaredError, 2, ActivationKind.Identity, 1)]
    public void Create_loss_that_is_given_decides_output_and_units(LossKind loss, int classes, ActivationKind output, int units)
    {
        NetworkSpec spec = NetworkSpecFactory.Create(new ModelOptions { Loss = loss }, 7, classes, DataTask.Classification);

        Assert.Equal(loss, spec.Loss);
        Assert.Equal(output, spec.Layers[^1].Activation);
        Assert.Equal(units, spec.Layers[^1].Units);
    }

    [Fact]
    public void Create_output_activation_that_is_given_is_taken()
    {
        var options = new ModelOptions { Loss = LossKind.MeanSquaredError, OutputActivation = ActivationKind.Tanh };

        Assert.Equal(ActivationKind.Tanh, NetworkSpecFactory.Create(options, 7, 3, DataTask.Classification).Layers[^1].Activation);
    }

    [Fact]
    public void Create_single_values_hold_for_every_hidden_layer()
    {
        var options = new ModelOptions
        {
            Hidden = [5, 6, 7],
            Activation = [ActivationKind.LeakyRelu],
            Dropout = [0.25],
            LeakySlope = 0.5,
            InputDropout = 0.125,
        };

        NetworkSpec spec = NetworkSpecFactory.Create(options, 4, 3, DataTask.Classification);

        Assert.Equal([5, 6, 7, 3], spec.Layers.Select(layer => layer.Units));
        Assert.All(spec.Layers.SkipLast(1), layer =>
        {
            Assert.Equal(ActivationKind.LeakyRelu, layer.Activation);
            Assert.Equal(0.25f, layer.Dropout);
            Assert.Equal(0.5f, layer.LeakySlope);
        });
        Assert.Equal(0f, spec.Layers[^1].Dropout);
        Assert.Equal(0.125f, spec.InputDropout);
    }

    [Fact]
    public void Create_lists_give_each_hidden_layer_its_own()
    {
        var options = new ModelOptions { Hidden = [5, 6], Activation = [ActivationKind.Tanh, ActivationKind.Relu], Dropout = [0.25, 0.5] };

        NetworkSpec spec = NetworkSpecFactory.Create(options, 4, 3, DataTask.Classification);

        Assert.Equal([ActivationKind.Tanh, ActivationKind.Relu, ActivationKind.Softmax], spec.Layers.Select(layer => layer.Activation));
        Assert.Equal([0.25f, 0.5f, 0f], spec.Layers.Select(layer => layer.Dropout));
        Assert.Equal(
            [InitializerKind.GlorotUniform, InitializerKind.HeUniform, InitializerKind.GlorotUniform],
            spec.Layers.Select(layer => layer.Initializer));
    }

    [Fact]
    public void Create_initializer_that_is_given_holds_for_every_layer()
    {
        var options = new ModelOptions { Hidden = [5], Initializer = InitializerKind.Constant, InitialConstant = 0.5 };

        Assert.All(NetworkSpecFactory.Create(options, 4, 3, DataTask.Classification).Layers, layer =>
        {
            Assert.Equal(InitializerKind.Constant, layer.Initializer);
            Assert.Equal(0.5f, layer.InitialConstant);
        });
    }

    [Fact]
    public void Create_no_hidden_layers_is_a_perceptron()
    {
        var options = new ModelOptions { Hidden = [], Activation = [], Dropout = [] };

        LayerSpec layer = Assert.Single(NetworkSpecFactory.Create(options, 4, 2, DataTask.Classification).Layers);
        Assert.Equal(1, layer.Units);
        Assert.Equal(ActivationKind.Sigmoid, layer.Activation);
    }

    [Theory]
    [InlineData(DataTask.Classification, 2)]
    [InlineData(DataTask.Classification, 10)]
    [InlineData(DataTask.Regression, 0)]
    public void Create_any_task_is_a_network_that_the_engine_takes(DataTask task, int classes)
    {
        foreach (LossKind? loss in new LossKind?[] { null, LossKind.MeanSquaredError })
        {
            NetworkSpec spec = NetworkSpecFactory.Create(new ModelOptions { Loss = loss }, 4, classes, task);
            Assert.Equal(spec.Layers[^1].Units, new Network(spec).OutputCount);
        }
    }
}
