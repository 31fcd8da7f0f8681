using System.Collections;
using System.Reflection;
using System.Text.Json;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Training.Tests.Configuration;

public sealed class RunOptionsJsonTests
{
    /// <summary>Keys that say where files lie, and how much is verified: a run is the same whatever they are.</summary>
    private static readonly string[] places =
        ["data.train", "data.trainLabels", "data.validation", "data.validationLabels", "data.test", "data.testLabels", "data.cache", "data.cacheDirectory", "data.distribution", "training.verifyFraction"];

    private static RunOptions Options { get; } = new()
    {
        Name = "größe \"quoted\"",
        Data = new DataOptions
        {
            Train = "a.csv",
            Validation = "b.csv",
            Test = "c.csv",
            Target = "kind",
            Ignore = ["id", "note"],
            SplitSeed = ulong.MaxValue,
            LimitRows = 7,
        },
        Model = new ModelOptions
        {
            Hidden = [3, 4],
            Activation = [ActivationKind.LeakyRelu, ActivationKind.Tanh],
            Loss = LossKind.CategoricalCrossEntropy,
            OutputActivation = ActivationKind.Softmax,
            Initializer = InitializerKind.HeNormal,
            Dropout = [0.1, 1.0 / 3],
        },
        Training = new TrainingOptions
        {
            Seed = ulong.MaxValue,
            MaxNorm = 3,
            ClipNorm = 0.1 + 0.2,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW },
            Schedule = new ScheduleOptions { Kind = ScheduleKind.InverseTime },
        },
        Cluster = new ClusterOptions { Workers = 3 },
        Output = new OutputOptions { Plot = false },
    };

    /// <summary>Every single key of a run file.</summary>
    public static TheoryData<string> Keys { get; } = new(Leaves(typeof(RunOptions), ""));

    [Fact]
    public void Deserialize_serialized_options_gives_the_same_options()
    {
        string json = RunOptionsJson.Serialize(Options);
        RunOptions read = RunOptionsJson.Deserialize(json);

        Assert.Equal(json, RunOptionsJson.Serialize(read));
        Assert.Equal(Options.Name, read.Name);
        Assert.Equal(Options.Data.SplitSeed, read.Data.SplitSeed);
        Assert.Equal(Options.Model.Dropout, read.Model.Dropout);
        Assert.Equal(Options.Training, read.Training);
        Assert.Equal(Options.Cluster, read.Cluster);
        Assert.Equal(Options.Output, read.Output);
    }

    [Fact]
    public void Serialize_names_and_values_are_camel_case()
    {
        string json = RunOptionsJson.Serialize(Options);

        Assert.Contains("\"activation\":[\"leakyRelu\",\"tanh\"]", json);
        Assert.Contains("\"kind\":\"adamW\"", json);
        Assert.Contains("\"kind\":\"inverseTime\"", json);
        Assert.Contains("\"loss\":\"categoricalCrossEntropy\"", json);
        Assert.Contains("größe", json);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{\"training\":{\"epochs\":\"many\"}}")]
    public void Deserialize_what_is_no_run_file_is_a_json_problem(string json)
    {
        Assert.ThrowsAny<JsonException>(() => RunOptionsJson.Deserialize(json));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void IdentitySha256_one_value_changed_changes_it_if_that_decides_the_bits(string key)
    {
        RunOptions changed = Change(key);
        Assert.NotEqual(RunOptionsJson.Serialize(Options), RunOptionsJson.Serialize(changed));
        bool decides = (key.StartsWith("data.", StringComparison.Ordinal)
            || key.StartsWith("model.", StringComparison.Ordinal)
            || key.StartsWith("training.", StringComparison.Ordinal)) && !places.Contains(key);

        bool differs = RunOptionsJson.IdentitySha256(Options, "00ff") != RunOptionsJson.IdentitySha256(changed, "00ff");

        Assert.Equal(decides, differs);
    }

    [Fact]
    public void IdentitySha256_other_bytes_of_the_data_change_it()
    {
        Assert.NotEqual(RunOptionsJson.IdentitySha256(Options, "00ff"), RunOptionsJson.IdentitySha256(Options, "00fe"));
    }

    [Fact]
    public void IdentitySha256_a_file_left_out_changes_it()
    {
        RunOptions without = Options with { Data = Options.Data with { Validation = null } };

        Assert.NotEqual(RunOptionsJson.IdentitySha256(Options, "00ff"), RunOptionsJson.IdentitySha256(without, "00ff"));
    }

    [Fact]
    public void IdentitySha256_same_options_give_64_digits_that_stay()
    {
        string hash = RunOptionsJson.IdentitySha256(Options, "00ff");

        Assert.Equal(64, hash.Length);
        Assert.Equal(hash, RunOptionsJson.IdentitySha256(RunOptionsJson.Deserialize(RunOptionsJson.Serialize(Options)), "00ff"));
    }

    private static IEnumerable<string> Leaves(Type section, string prefix) =>
        section.GetProperties().Where(property => property.CanWrite).SelectMany(property => IsSection(property.PropertyType)
            ? Leaves(property.PropertyType, prefix + Camel(property) + ".")
            : [prefix + Camel(property)]);

    private static RunOptions Change(string key)
    {
        // A copy of its own, since the value is set in place.
        RunOptions copy = RunOptionsJson.Deserialize(RunOptionsJson.Serialize(Options));
        object section = copy;
        string[] names = key.Split('.');
        foreach (string name in names[..^1])
        {
            section = Property(section, name).GetValue(section)!;
        }

        PropertyInfo property = Property(section, names[^1]);
        property.SetValue(section, Other(property.PropertyType, property.GetValue(section)));
        return copy;
    }

    private static object Other(Type type, object? value)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            IReadOnlyList<string> list => list.Append("more").ToArray(),
            IReadOnlyList<int> list => list.Append(9).ToArray(),
            IReadOnlyList<double> list => list.Append(0.5).ToArray(),
            IReadOnlyList<ActivationKind> list => list.Append(ActivationKind.Relu).ToArray(),
            bool flag => !flag,
            int number => number + 1,
            ulong number => number - 1,
            double number => number + 0.25,
            string text => text + "x",
            Enum member => Enum.GetValues(plain).Cast<object>().First(other => !other.Equals(member)),
            null when plain == typeof(string) => "x",
            null when plain.IsValueType => Activator.CreateInstance(plain)!,
            _ => throw new NotSupportedException($"no other value of {type}"),
        };
    }

    private static bool IsSection(Type type) =>
        type.IsClass && type != typeof(string) && !typeof(IEnumerable).IsAssignableFrom(type);

    private static PropertyInfo Property(object section, string name) =>
        section.GetType().GetProperties().Single(property => Camel(property) == name);

    private static string Camel(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);
}
