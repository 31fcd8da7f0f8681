using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>How a run ended, as far as the coordinator knows; hashes are the parameter server's to add.</summary>
/// <param name="Status">Completed or stopped.</param>
/// <param name="Progress">Where it stands.</param>
/// <param name="ModelEpoch">The epoch whose weights stand, 1-based; 0 for none.</param>
/// <param name="Validation">Those weights on the validation rows; null without such rows.</param>
/// <param name="Test">Those weights on the test rows; null without such rows, or where the run was stopped.</param>
/// <param name="LastWeightsSha256">Hash of the weights after the last step; null where those are the weights that stand.</param>
/// <param name="SamplesPerSecond">Rows trained per second, evaluation not included, since start or resumption.</param>
[MessagePackObject]
public sealed record RunConclusion(
    [property: Key(0)] RunStatus Status,
    [property: Key(1)] RunProgress Progress,
    [property: Key(2)] int ModelEpoch,
    [property: Key(3)] SplitMetrics? Validation,
    [property: Key(4)] SplitMetrics? Test,
    [property: Key(5)] string? LastWeightsSha256,
    [property: Key(6)] double SamplesPerSecond);
