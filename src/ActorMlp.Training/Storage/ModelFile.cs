using System.Text.Json;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Networks;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>A trained network with all that is needed to use it: weights, shape, how rows are read and scaled, and how it came about.</summary>
/// <param name="Network">The network.</param>
/// <param name="Parameters">Its weights, as a flat vector.</param>
/// <param name="Schema">How rows are read.</param>
/// <param name="Preprocessing">How they are scaled.</param>
/// <param name="Options">The run file.</param>
/// <param name="Summary">How the run ended.</param>
public sealed record ModelFile(
    Network Network, float[] Parameters, DataSchema Schema, Preprocessing Preprocessing, RunOptions Options, RunSummary Summary)
{
    private const string Format = "actormlp-model";

    /// <summary>Writes it as safetensors; see <see cref="AtomicFile"/>.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public void Save(string path)
    {
        int inputs = Preprocessing.Offset.Length;
        TensorSource[] tensors =
        [
            .. LayerTensors.Export(Network.Layout, Parameters, ""),
            TensorSource.Of(Tensor.From("preprocessing.offset", Preprocessing.Offset, inputs)),
            TensorSource.Of(Tensor.From("preprocessing.scale", Preprocessing.Scale, inputs)),
            TensorSource.Of(Tensor.From("preprocessing.target", [Preprocessing.TargetOffset, Preprocessing.TargetScale], 2)),
        ];
        SafetensorsFile.Write(path, Aligned(tensors), new Dictionary<string, string>
        {
            ["format"] = Format,
            ["formatVersion"] = SafetensorsContent.FormatVersion,
            ["network"] = JsonSerializer.Serialize(Network.Spec, RunOptionsJson.Settings),
            ["schema"] = JsonSerializer.Serialize(Schema, RunOptionsJson.Settings),
            ["scaling"] = JsonSerializer.Serialize(Preprocessing.Kind, RunOptionsJson.Settings),
            ["options"] = RunOptionsJson.Serialize(Options),
            ["summary"] = JsonSerializer.Serialize(Summary, RunOptionsJson.Settings),
            ["weightsSha256"] = Network.Layout.Sha256(Parameters),
        });
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="StorageException">It is missing, damaged or no model.</exception>
    public static ModelFile Load(string path)
    {
        SafetensorsContent content = SafetensorsFile.Read(path);
        content.RequireFormat(path, Format, "model");

        try
        {
            return Parse(path, content);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or JsonException or ArgumentException)
        {
            throw new StorageException(path, "is no model of this version of actormlp", exception);
        }
    }

    private static ModelFile Parse(string path, SafetensorsContent content)
    {
        T Part<T>(string key) => JsonSerializer.Deserialize<T>(content.Metadata[key], RunOptionsJson.Settings)!;
        var network = new Network(Part<NetworkSpec>("network"));
        var parameters = new float[network.Layout.Length];
        LayerTensors.Import(path, content, network.Layout, "", parameters);
        if (network.Layout.Sha256(parameters) != content.Metadata["weightsSha256"])
        {
            throw new StorageException(path, "is damaged: its weights do not have the hash that it states");
        }

        int inputs = network.Spec.Inputs;
        double[] target = LayerTensors.Get(path, content, "preprocessing.target", 2).ToDoubles();
        var preprocessing = new Preprocessing(
            Part<ScalingKind>("scaling"),
            LayerTensors.Get(path, content, "preprocessing.offset", inputs).ToFloats(),
            LayerTensors.Get(path, content, "preprocessing.scale", inputs).ToFloats(),
            target[0],
            target[1]);
        return new ModelFile(
            network, parameters, Part<DataSchema>("schema"), preprocessing, Part<RunOptions>("options"), Part<RunSummary>("summary"));
    }

    /// <summary>Wider elements first: without gaps, that keeps every tensor aligned to its elements.</summary>
    private static TensorSource[] Aligned(TensorSource[] tensors) => [.. tensors.OrderByDescending(tensor => Tensor.SizeOf(tensor.Type))];
}
