using System.Text.Json;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>Weights, optimizer and progress of a run after some step: all that is needed to go on with the same bits.</summary>
public sealed class Checkpoint
{
    private const string Format = "actormlp-checkpoint";
    private const string OptimizerPrefix = "optimizer.";

    private readonly string? path;
    private readonly IReadOnlyList<Tensor> tensors;
    private readonly Dictionary<string, string> metadata;

    private Checkpoint(string? path, IReadOnlyList<Tensor> tensors, Dictionary<string, string> metadata, RunProgress progress)
    {
        this.path = path;
        this.tensors = tensors;
        this.metadata = metadata;
        Progress = progress;
    }

    /// <summary>Where the run stood.</summary>
    public RunProgress Progress { get; }

    /// <summary>Copies a run's state as it stands.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="slots">Its optimizer's state.</param>
    /// <param name="progress">Where it stands.</param>
    public static Checkpoint Capture(RunSetup setup, ReadOnlySpan<float> parameters, IReadOnlyList<OptimizerSlot> slots, RunProgress progress)
    {
        float[] weights = parameters.ToArray();
        List<Tensor> tensors = [.. LayerTensors.Export(setup.Network.Layout, weights, "")];
        foreach (OptimizerSlot slot in slots)
        {
            tensors.AddRange(LayerTensors.Export(setup.Network.Layout, slot.Values, $"{OptimizerPrefix}{slot.Name}."));
        }

        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format,
            ["formatVersion"] = SafetensorsContent.FormatVersion,
            ["runSha256"] = RunIdentity(setup),
            ["options"] = RunOptionsJson.Serialize(setup.Options),
            ["progress"] = JsonSerializer.Serialize(progress, RunOptionsJson.Settings),
            ["weightsSha256"] = setup.Network.Layout.Sha256(weights),
        };
        return new Checkpoint(null, tensors, metadata, progress);
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="StorageException">It is missing, damaged or no checkpoint.</exception>
    public static Checkpoint Load(string path)
    {
        SafetensorsContent content = SafetensorsFile.Read(path);
        content.RequireFormat(path, Format, "checkpoint");

        try
        {
            // JSON numbers are written such that they are read back bit for bit.
            RunProgress progress = JsonSerializer.Deserialize<RunProgress>(content.Metadata["progress"], RunOptionsJson.Settings)!;
            return new Checkpoint(path, [.. content.Tensors.Values], content.Metadata.ToDictionary(), progress);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or JsonException)
        {
            throw new StorageException(path, "is no checkpoint of this version of actormlp", exception);
        }
    }

    /// <summary>Writes it; see <see cref="AtomicFile"/>.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public void Save(string file) => SafetensorsFile.Write(file, tensors, metadata);

    /// <summary>Checks that it is of this very run.</summary>
    /// <exception cref="StorageException">Options that decide the bits, or data, differ.</exception>
    public void CheckBelongsTo(RunSetup setup)
    {
        if (metadata.GetValueOrDefault("runSha256") != RunIdentity(setup))
        {
            throw new StorageException(path ?? "checkpoint", "is of a run with other data, model or training options; resume with those it was started with, or start anew with another --out");
        }
    }

    /// <summary>Puts weights and optimizer back.</summary>
    /// <exception cref="StorageException">It is not of this run.</exception>
    public void Restore(RunSetup setup, Span<float> parameters, IReadOnlyList<OptimizerSlot> slots)
    {
        CheckBelongsTo(setup);
        RestoreWeights(setup, parameters);
        var content = new SafetensorsContent(tensors.ToDictionary(tensor => tensor.Name), metadata);
        foreach (OptimizerSlot slot in slots)
        {
            LayerTensors.Import(path ?? "checkpoint", content, setup.Network.Layout, $"{OptimizerPrefix}{slot.Name}.", slot.Values.Span);
        }
    }

    /// <summary>Puts the weights back.</summary>
    public void RestoreWeights(RunSetup setup, Span<float> parameters)
    {
        var content = new SafetensorsContent(tensors.ToDictionary(tensor => tensor.Name), metadata);
        LayerTensors.Import(path ?? "checkpoint", content, setup.Network.Layout, "", parameters);
    }

    /// <summary>A hash over all that decides the bits: data, model and training options, and the bytes of the data.</summary>
    private static string RunIdentity(RunSetup setup) =>
        RunOptionsJson.IdentitySha256(setup.Options, setup.Data.ContentSha256);
}
