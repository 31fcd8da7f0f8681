using ActorMlp.Data.Configuration;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Tests.Storage;

public sealed class ModelFileTests : IDisposable
{
    private readonly TestFolder folder = new();

    private string File => folder.At("model.safetensors");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Load_saved_model_gives_all_of_it_back()
    {
        using var run = new TinyRun();
        run.Train(0, 3);
        ModelFile model = ModelOf(run);
        model.Save(File);

        ModelFile loaded = ModelFile.Load(File);

        Assert.Equal(model.Parameters.Select(BitConverter.SingleToInt32Bits), loaded.Parameters.Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(model.Network.Spec.Inputs, loaded.Network.Spec.Inputs);
        Assert.Equal(model.Network.Spec.Layers, loaded.Network.Spec.Layers);
        Assert.Equal(model.Network.Spec.Loss, loaded.Network.Spec.Loss);
        Assert.Equal(model.Schema.InputColumns, loaded.Schema.InputColumns);
        Assert.Equal(model.Schema.Classes, loaded.Schema.Classes);
        Assert.Equal(model.Schema with { InputColumns = [], Classes = [] }, loaded.Schema with { InputColumns = [], Classes = [] });
        Assert.Equal(ScalingKind.Standardize, loaded.Preprocessing.Kind);
        Assert.Equal(model.Preprocessing.Offset, loaded.Preprocessing.Offset);
        Assert.Equal(model.Preprocessing.Scale, loaded.Preprocessing.Scale);
        Assert.Equal(model.Preprocessing.TargetOffset, loaded.Preprocessing.TargetOffset);
        Assert.Equal(model.Preprocessing.TargetScale, loaded.Preprocessing.TargetScale);
        Assert.Equal(RunOptionsJson.Serialize(model.Options), RunOptionsJson.Serialize(loaded.Options));
        Assert.Equal(model.Summary, loaded.Summary);
    }

    [Fact]
    public void Save_doubles_come_before_floats_so_that_all_are_aligned()
    {
        using var run = new TinyRun();
        ModelOf(run).Save(File);

        IReadOnlyDictionary<string, Tensor> tensors = SafetensorsFile.Read(File).Tensors;

        Assert.Equal(TensorType.F64, tensors.Values.First().Type);
        Assert.Equal([3L, 5L], tensors["layers.0.weight"].Shape);
        Assert.Equal([3L], tensors["layers.2.bias"].Shape);
    }

    [Fact]
    public void Load_byte_of_the_weights_changed_is_refused()
    {
        using var run = new TinyRun();
        ModelOf(run).Save(File);
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        bytes[^40] ^= 1;
        System.IO.File.WriteAllBytes(File, bytes);

        Assert.Contains("is damaged", Assert.Throws<StorageException>(() => ModelFile.Load(File)).Message);
    }

    [Fact]
    public void Load_other_weights_under_a_checksum_of_their_own_are_refused_all_the_same()
    {
        using var run = new TinyRun();
        ModelOf(run).Save(File);
        Rewrite((tensors, _) =>
        {
            float[] bias = tensors["layers.1.bias"].ToFloats();
            bias[0] += 1;
            tensors["layers.1.bias"] = Tensor.From("layers.1.bias", bias, bias.Length);
        });

        Assert.Contains("do not have the hash", Assert.Throws<StorageException>(() => ModelFile.Load(File)).Message);
    }

    [Fact]
    public void Load_tensor_that_is_missing_is_named()
    {
        using var run = new TinyRun();
        ModelOf(run).Save(File);
        Rewrite((tensors, _) => tensors.Remove("layers.1.bias"));

        Assert.Contains("'layers.1.bias' of shape [18]", Assert.Throws<StorageException>(() => ModelFile.Load(File)).Message);
    }

    [Theory]
    [InlineData("network", null)]
    [InlineData("network", "{}")]
    [InlineData("network", "{\"inputs\":3,\"layers\":[],\"loss\":\"meanSquaredError\"}")]
    [InlineData("schema", "{")]
    [InlineData("summary", null)]
    [InlineData("weightsSha256", null)]
    [InlineData("format", "actormlp-checkpoint")]
    public void Load_metadata_of_another_kind_are_refused(string key, string? value)
    {
        using var run = new TinyRun();
        ModelOf(run).Save(File);
        Rewrite((_, metadata) =>
        {
            metadata.Remove(key);
            if (value is not null)
            {
                metadata[key] = value;
            }
        });

        Assert.Contains("is no model", Assert.Throws<StorageException>(() => ModelFile.Load(File)).Message);
    }

    [Fact]
    public void Load_file_that_is_missing_names_it()
    {
        Assert.Equal(File, Assert.Throws<StorageException>(() => ModelFile.Load(File)).Path);
    }

    private static ModelFile ModelOf(TinyRun run) => new(
        run.Setup.Network, run.Parameters, run.Setup.Data.Schema, run.Setup.Data.Preprocessing, run.Setup.Options, TinyRun.Summary);

    /// <summary>Changes the file's contents and gives it the checksum that they then have.</summary>
    private void Rewrite(Action<Dictionary<string, Tensor>, Dictionary<string, string>> change)
    {
        SafetensorsContent content = SafetensorsFile.Read(File);
        Dictionary<string, Tensor> tensors = content.Tensors.ToDictionary();
        Dictionary<string, string> metadata = content.Metadata.ToDictionary();
        change(tensors, metadata);
        SafetensorsFile.Write(File, [.. tensors.Values.Select(TensorSource.Of)], metadata);
    }
}
