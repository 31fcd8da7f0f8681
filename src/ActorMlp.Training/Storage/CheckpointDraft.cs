using System.Text.Json;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Storage;

/// <summary>A <see cref="Checkpoint"/> that is not written yet. The vectors must not change until it is; <see cref="Copy"/> takes those that do.</summary>
/// <param name="setup">The run.</param>
/// <param name="weights">Its weights.</param>
/// <param name="slots">Its optimizer's state.</param>
/// <param name="progress">Where it stands.</param>
public sealed class CheckpointDraft(RunSetup setup, ReadOnlyMemory<float> weights, IReadOnlyList<OptimizerSlot> slots, RunProgress progress)
{
    internal const string Format = "actormlp-checkpoint";
    internal const string OptimizerPrefix = "optimizer.";

    /// <summary>Where the run stands.</summary>
    public RunProgress Progress => progress;

    /// <summary>Copies a run's state as it stands.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="slots">Its optimizer's state.</param>
    /// <param name="progress">Where it stands.</param>
    public static CheckpointDraft Copy(RunSetup setup, ReadOnlySpan<float> weights, IReadOnlyList<OptimizerSlot> slots, RunProgress progress) =>
        new(setup, weights.ToArray(), [.. slots.Select(slot => slot with { Values = slot.Values.ToArray() })], progress);

    /// <summary>Writes it; see <see cref="AtomicFile"/>.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public void Save(string file) => SafetensorsFile.Write(
        file,
        [
            .. LayerTensors.Export(setup.Network.Layout, weights, ""),
            .. slots.SelectMany(slot => LayerTensors.Export(setup.Network.Layout, slot.Values, $"{OptimizerPrefix}{slot.Name}.")),
        ],
        new Dictionary<string, string>
        {
            ["format"] = Format,
            ["formatVersion"] = SafetensorsContent.FormatVersion,
            ["runSha256"] = RunIdentity(setup),
            ["options"] = RunOptionsJson.Serialize(setup.Options),
            ["progress"] = JsonSerializer.Serialize(progress, RunOptionsJson.Settings),
            ["weightsSha256"] = setup.Network.Layout.Sha256(weights.Span),
        });

    /// <summary>A hash over all that decides the bits: data, model and training options, and the bytes of the data.</summary>
    internal static string RunIdentity(RunSetup setup) => RunOptionsJson.IdentitySha256(setup.Options, setup.Data.ContentSha256);
}
