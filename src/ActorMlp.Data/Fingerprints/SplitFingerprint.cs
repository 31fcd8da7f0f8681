namespace ActorMlp.Data.Fingerprints;

/// <summary>What is in the training, validation or test rows.</summary>
/// <param name="Rows">How many there are.</param>
/// <param name="Sha256">SHA-256 over the rows in their order: the scaled inputs as little-endian float32, then the label (int32) or the target (float32).</param>
public sealed record SplitFingerprint(int Rows, string Sha256);
