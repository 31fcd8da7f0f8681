using System.Security.Cryptography;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Tests.Reference;
using CsCheck;

namespace ActorMlp.Engine.Tests.Networks;

public sealed class ParameterLayoutTests
{
    [Fact]
    public void Export_and_import_are_inverse_and_the_hash_is_of_the_canonical_form() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 20]).Sample((inputs, hidden, outputs) =>
        {
            ParameterLayout layout = new Network(Workbench.Classifier(inputs, [hidden], outputs, ActivationKind.Relu)).Layout;
            float[] vector = new float[layout.Length], again = new float[layout.Length];
            again.AsSpan().Fill(7);
            var canonical = new List<byte>();
            for (int layer = 0; layer < 2; layer++)
            {
                LayerLayout at = layout.Layers[layer];
                float[] weights = Numbers.Row(1, layer, at.Inputs * at.Units), bias = Numbers.Row(2, layer, at.Units);
                layout.ImportLayer(vector, layer, weights, bias);
                float[] weightsOut = new float[weights.Length], biasOut = new float[bias.Length];
                layout.ExportLayer(vector, layer, weightsOut, biasOut);
                layout.ImportLayer(again, layer, weightsOut, biasOut);
                Assert.Equal(weights, weightsOut);
                Assert.Equal(bias, biasOut);
                canonical.AddRange(weights.Concat(bias).SelectMany(BitConverter.GetBytes));
            }

            Assert.Equal(vector, again);
            Assert.Equal((hidden * inputs) + hidden + (outputs * hidden) + outputs, layout.ParameterCount);
            Assert.True(vector.Count(value => value != 0) <= layout.ParameterCount);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(canonical.ToArray())), layout.Sha256(vector));
        }, iter: 100);

    [Fact]
    public void Sections_lie_one_after_another_in_whole_cache_lines()
    {
        ParameterLayout layout = new Network(Workbench.Classifier(5, [33], 10, ActivationKind.Relu)).Layout;
        Assert.Equal(
            [new LayerLayout(5, 33, 3, 0, 240, 240, 48), new LayerLayout(33, 10, 1, 288, 528, 816, 16)],
            layout.Layers);
        Assert.Equal(832, layout.Length);
        Assert.Equal((0, 0, 1, 1), (layout.LayerOf(0), layout.LayerOf(287), layout.LayerOf(288), layout.LayerOf(831)));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.LayerOf(832));
    }

    [Fact]
    public void Vectors_of_the_wrong_length_are_refused()
    {
        ParameterLayout layout = new Network(Workbench.Classifier(5, [33], 10, ActivationKind.Relu)).Layout;
        Assert.Throws<ArgumentException>(() => layout.Sha256(new float[831]));
        Assert.Throws<ArgumentException>(() => layout.ExportLayer(new float[832], 0, new float[164], new float[33]));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.ImportLayer(new float[832], 2, new float[1], new float[1]));
    }
}
