namespace ActorMlp.Training.Runs;

/// <summary>How a run ended, as far as the coordinator knows; hashes are the parameter server's to add.</summary>
/// <param name="Status">Completed or stopped.</param>
/// <param name="Progress">Where it stands.</param>
/// <param name="ModelEpoch">The epoch whose weights stand, 1-based; 0 for none.</param>
/// <param name="Validation">Those weights on the validation rows; null without such rows.</param>
/// <param name="Test">Those weights on the test rows; null without such rows, or where the run was stopped.</param>
/// <param name="LastWeightsSha256">Hash of the weights after the last step; null where those are the weights that stand.</param>
/// <param name="SamplesPerSecond">Rows trained per second, evaluation not included, since start or resumption.</param>
public sealed record RunConclusion(
    RunStatus Status, RunProgress Progress, int ModelEpoch, SplitMetrics? Validation, SplitMetrics? Test, string? LastWeightsSha256, double SamplesPerSecond);
