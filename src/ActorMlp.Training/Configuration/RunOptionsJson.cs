using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Training.Configuration;

/// <summary>Options and results as JSON: camelCase names and values, as in run files.</summary>
public static class RunOptionsJson
{
    /// <summary>The settings, on one line.</summary>
    public static JsonSerializerOptions Settings { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The settings, indented.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Settings) { WriteIndented = true };

    /// <summary>Options as JSON.</summary>
    public static string Serialize(RunOptions options) => JsonSerializer.Serialize(options, Settings);

    /// <summary>Options from JSON.</summary>
    public static RunOptions Deserialize(string json) =>
        JsonSerializer.Deserialize<RunOptions>(json, Settings) ?? throw new JsonException("no options");

    /// <summary>SHA-256 over what decides the bits of a run: its data, model and training options, and its data; where the files and caches lie, and how much is verified, is left out.</summary>
    /// <param name="options">The run file.</param>
    /// <param name="dataSha256">Hash of the data files' bytes.</param>
    public static string IdentitySha256(RunOptions options, string dataSha256)
    {
        RunOptions deciding = new()
        {
            Data = options.Data with
            {
                Train = "",
                TrainLabels = null,
                Validation = options.Data.Validation is null ? null : "",
                ValidationLabels = null,
                Test = options.Data.Test is null ? null : "",
                TestLabels = null,
                Cache = CacheMode.None,
                CacheDirectory = null,
                Distribution = DataDistribution.Local,
            },
            Model = options.Model,
            Training = options.Training with { VerifyFraction = 0 },
        };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Serialize(deciding) + dataSha256)));
    }
}
