namespace ActorMlp.Data;

/// <summary>All rows of a run, read, split and preprocessed.</summary>
/// <param name="Training">Rows to train on.</param>
/// <param name="Validation">Rows to choose the model on; null for none.</param>
/// <param name="Test">Rows to test the model on; null for none.</param>
/// <param name="Schema">How rows are read.</param>
/// <param name="Preprocessing">How they are scaled.</param>
/// <param name="ContentSha256">SHA-256 over the bytes of the files that were read, in the order training, validation, test.</param>
public sealed record LoadedData(
    Dataset Training, Dataset? Validation, Dataset? Test, DataSchema Schema, Preprocessing Preprocessing, string ContentSha256);
