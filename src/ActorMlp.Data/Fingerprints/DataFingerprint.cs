using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorMlp.Data.Fingerprints;

/// <summary>What a run sees of its data, in hashes: two nodes with equal fingerprints train on the same bits.</summary>
/// <remarks>
/// <see cref="Sha256"/> covers what the run sees: columns, classes, scaling constants, and every row of every split in its order. The files are
/// beside it, to say where a difference comes from; a run can see the same rows of files that differ in blanks.
/// </remarks>
public sealed record DataFingerprint
{
    /// <summary>The files that were read, in the order of reading.</summary>
    public required IReadOnlyList<SourceFile> Files { get; init; }

    /// <summary>SHA-256 over schema and scaling constants.</summary>
    public required string SchemaSha256 { get; init; }

    /// <summary>The training rows.</summary>
    public required SplitFingerprint Training { get; init; }

    /// <summary>The validation rows; null for none.</summary>
    public SplitFingerprint? Validation { get; init; }

    /// <summary>The test rows; null for none.</summary>
    public SplitFingerprint? Test { get; init; }

    /// <summary>SHA-256 over all that the run sees; the files themselves are not in it.</summary>
    [JsonIgnore]
    public string Sha256
    {
        get
        {
            var text = new StringBuilder($"schema {SchemaSha256}\n");
            foreach ((string name, SplitFingerprint? split) in Splits)
            {
                text.Append(split is null ? $"{name} none\n" : $"{name} {split.Rows} {split.Sha256}\n");
            }

            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
        }
    }

    private (string Name, SplitFingerprint? Split)[] Splits => [("training", Training), ("validation", Validation), ("test", Test)];

    /// <summary>What differs, a line each, for people: file by file, or, where the files are the same, by what was made of them. Empty for nothing.</summary>
    /// <param name="expected">What the run expects: the coordinator's.</param>
    /// <param name="actual">What some node has.</param>
    public static IReadOnlyList<string> Compare(DataFingerprint expected, DataFingerprint actual)
    {
        List<string> differences = [.. CompareFiles(expected.Files, actual.Files)];
        if (differences.Count > 0 || expected.Sha256 == actual.Sha256)
        {
            return differences;
        }

        if (expected.SchemaSha256 != actual.SchemaSha256)
        {
            differences.Add("same files, but other columns, classes or scaling constants were made of them: the sections data, the seeds or the versions of actormlp differ");
        }

        foreach (((string name, SplitFingerprint? wanted), (_, SplitFingerprint? got)) in expected.Splits.Zip(actual.Splits))
        {
            if (wanted?.Rows != got?.Rows)
            {
                differences.Add($"same files, but {got?.Rows ?? 0} {name} rows instead of {wanted?.Rows ?? 0}: the sections data, the seeds or the versions of actormlp differ");
            }
            else if (wanted != got)
            {
                differences.Add($"same files, but other {name} rows (sha256 {Short(got!.Sha256)} instead of {Short(wanted!.Sha256)}): the sections data, the seeds or the versions of actormlp differ");
            }
        }

        return differences;
    }

    /// <summary>What differs between the files of two machines, a line each; see <see cref="SourceFile.HashAll"/>.</summary>
    /// <param name="expected">The files that the run expects.</param>
    /// <param name="actual">The files of some node.</param>
    public static IEnumerable<string> CompareFiles(IReadOnlyList<SourceFile> expected, IReadOnlyList<SourceFile> actual)
    {
        foreach (SourceFile file in expected)
        {
            SourceFile? other = actual.FirstOrDefault(candidate => candidate.Key == file.Key);
            if (other is null)
            {
                yield return $"file {file.Name} ({file.Key}) is missing; expected {file.Length} bytes with sha256 {Short(file.Sha256)}";
            }
            else if (other.Sha256 != file.Sha256)
            {
                string size = other.Length == file.Length ? "" : $", {other.Length} bytes instead of {file.Length}";
                yield return $"file {other.Name} ({file.Key}) differs (sha256 {Short(other.Sha256)} instead of {Short(file.Sha256)}{size})";
            }
        }

        foreach (SourceFile file in actual.Where(file => expected.All(other => other.Key != file.Key)))
        {
            yield return $"file {file.Name} ({file.Key}) is there, but none is expected";
        }
    }

    /// <summary>A fingerprint as JSON, on one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DataJson.Settings);

    /// <summary>A fingerprint from JSON.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static DataFingerprint FromJson(string json) =>
        JsonSerializer.Deserialize<DataFingerprint>(json, DataJson.Settings) ?? throw new JsonException("no fingerprint");

    /// <summary>The fingerprint of data that are loaded; reads every row once.</summary>
    internal static DataFingerprint Of(LoadedData data) => new()
    {
        Files = data.Files,
        SchemaSha256 = HashSchema(data.Schema, data.Preprocessing),
        Training = SplitHasher.Hash(data.Training),
        Validation = data.Validation is null ? null : SplitHasher.Hash(data.Validation),
        Test = data.Test is null ? null : SplitHasher.Hash(data.Test),
    };

    /// <summary>SHA-256 over schema and scaling constants, as JSON, whose numbers are written such that they are read back bit for bit.</summary>
    internal static string HashSchema(DataSchema schema, Preprocessing preprocessing) => Convert.ToHexStringLower(
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new { schema, preprocessing }, DataJson.Settings)));

    private static string Short(string sha256) => sha256.Length > 12 ? sha256[..12] + "…" : sha256;
}
