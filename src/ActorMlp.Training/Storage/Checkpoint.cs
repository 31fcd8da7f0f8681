using System.Text.Json;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>Weights, optimizer and progress of a run after some step, as read from a file: all that is needed to go on with the same bits.</summary>
public sealed class Checkpoint
{
    private readonly string path;
    private readonly SafetensorsContent content;

    private Checkpoint(string path, SafetensorsContent content, RunProgress progress) => (this.path, this.content, Progress) = (path, content, progress);

    /// <summary>Where the run stood.</summary>
    public RunProgress Progress { get; }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="StorageException">It is missing, damaged or no checkpoint.</exception>
    public static Checkpoint Load(string path)
    {
        SafetensorsContent content = SafetensorsFile.Read(path);
        content.RequireFormat(path, CheckpointDraft.Format, "checkpoint");

        try
        {
            // JSON numbers are written such that they are read back bit for bit.
            RunProgress progress = JsonSerializer.Deserialize<RunProgress>(content.Metadata["progress"], RunOptionsJson.Settings)!;
            return new Checkpoint(path, content, progress);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or JsonException)
        {
            throw new StorageException(path, "is no checkpoint of this version of actormlp", exception);
        }
    }

    /// <summary>Checks that it is of this very run.</summary>
    /// <exception cref="StorageException">Options that decide the bits, or data, differ.</exception>
    public void CheckBelongsTo(RunSetup setup)
    {
        if (content.Metadata.GetValueOrDefault("runSha256") != CheckpointDraft.RunIdentity(setup))
        {
            throw new StorageException(path, "is of a run with other data, model or training options; resume with those it was started with, or start anew with another --out");
        }
    }

    /// <summary>Puts weights and optimizer back.</summary>
    /// <exception cref="StorageException">It is not of this run.</exception>
    public void Restore(RunSetup setup, Span<float> parameters, IReadOnlyList<OptimizerSlot> slots)
    {
        CheckBelongsTo(setup);
        RestoreWeights(setup, parameters);
        foreach (OptimizerSlot slot in slots)
        {
            LayerTensors.Import(path, content, setup.Network.Layout, $"{CheckpointDraft.OptimizerPrefix}{slot.Name}.", slot.Values.Span);
        }
    }

    /// <summary>Puts the weights back.</summary>
    public void RestoreWeights(RunSetup setup, Span<float> parameters) => LayerTensors.Import(path, content, setup.Network.Layout, "", parameters);
}
