using System.Text.Json;
using ActorMlp.Cli.Configuration;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using NJsonSchema;
using YamlDotNet.Serialization;

namespace ActorMlp.Cli.Tests.Configuration;

public sealed class RunFileTests
{
    private const string SchemaFile = "actormlp.schema.json";

    public static TheoryData<string> RunFiles { get; } = [.. Directory.GetFiles(Repository.Configs, "*.yaml").Select(path => Path.GetFileName(path))];

    [Fact]
    public void Load_binds_values_of_every_kind()
    {
        using var folder = new TemporaryFolder();
        folder.File("rows.csv", "a,b\n1,2\n");
        RunFile file = RunFile.Load(
            folder.File("small.yaml", """
                data: {train: rows.csv, target: b, task: regression, ignore: [c, d], validationFraction: 0.25, splitSeed: 9}
                model: {hidden: 12, activation: leakyRelu, dropout: [0.5], initializer: heNormal}
                training:
                  seed: 18446744073709551615
                  maxNorm: 2.5
                  clipNorm: ~
                  keep: best
                  optimizer: {kind: rmsProp, learningRate: 1e-3}
                output: {stepMetrics: true}
                """),
            new RunOverrides(["training.epochs=5", "model.hidden=[64, 32]", "training.schedule.kind=cosine"], "3", "2"));
        Assert.Empty(file.Problems);
        RunOptions options = file.Options;
        Assert.Equal("small", options.Name);
        Assert.Equal(folder.At("rows.csv"), options.Data.Train);
        Assert.Equal((DataTask.Regression, 0.25, 9UL), (options.Data.Task, options.Data.ValidationFraction, options.Data.SplitSeed));
        Assert.Equal(["c", "d"], options.Data.Ignore);
        Assert.Equal([64, 32], options.Model.Hidden);
        Assert.Equal([ActivationKind.LeakyRelu], options.Model.Activation);
        Assert.Equal([0.5], options.Model.Dropout);
        Assert.Equal(InitializerKind.HeNormal, options.Model.Initializer);
        Assert.Equal((ulong.MaxValue, 2.5, null, 5), (options.Training.Seed, options.Training.MaxNorm, options.Training.ClipNorm, options.Training.Epochs));
        Assert.Equal((OptimizerKind.RmsProp, 1e-3), (options.Training.Optimizer.Kind, options.Training.Optimizer.LearningRate));
        Assert.Equal(ScheduleKind.Cosine, options.Training.Schedule.Kind);
        Assert.Equal((3, 2, true), (options.Cluster.Workers, options.Cluster.Threads, options.Output.StepMetrics));
    }

    [Theory]
    [MemberData(nameof(RunFiles))]
    public void EffectiveConfiguration_written_and_read_gives_the_same_options(string name)
    {
        using var folder = new TemporaryFolder();
        RunFile file = RunFile.Load(Path.Combine(Repository.Configs, name), new RunOverrides([], DataDirectory: Repository.SharedData));
        Assert.SkipUnless(file.Problems.All(problem => !problem.Key.StartsWith("data.", StringComparison.Ordinal)), "needs ../shared/data, which is not here");
        Assert.Empty(file.Problems);
        RunFile again = RunFile.Load(folder.File("again.yaml", EffectiveConfiguration.ToYaml(file.Options)), RunOverrides.None);
        Assert.Empty(again.Problems);
        Assert.Equal(RunOptionsJson.Serialize(file.Options), RunOptionsJson.Serialize(again.Options));
    }

    [Fact]
    public void Schema_committed_is_the_one_generated()
    {
        string committed = File.ReadAllText(Path.Combine(Repository.Configs, SchemaFile));
        Assert.True(
            RunFileSchema.Generate() == committed,
            $"configs/{SchemaFile} is out of date: actormlp schema > configs/{SchemaFile}");
    }

    [Theory]
    [MemberData(nameof(RunFiles))]
    public async Task RunFile_committed_is_valid_under_the_schema_and_names_it(string name)
    {
        string text = await File.ReadAllTextAsync(Path.Combine(Repository.Configs, name), TestContext.Current.CancellationToken);
        Assert.StartsWith($"# yaml-language-server: $schema={SchemaFile}\n", text, StringComparison.Ordinal);
        JsonSchema schema = await JsonSchema.FromJsonAsync(RunFileSchema.Generate(), TestContext.Current.CancellationToken);
        Assert.Empty(schema.Validate(ToJson(text)));
    }

    [Fact]
    public async Task Schema_refuses_what_the_command_refuses()
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(RunFileSchema.Generate(), TestContext.Current.CancellationToken);
        Assert.NotEmpty(schema.Validate(ToJson("training: {epoch: 3}")));
        Assert.NotEmpty(schema.Validate(ToJson("training: {epochs: 0}")));
        Assert.NotEmpty(schema.Validate(ToJson("model: {activation: rlu}")));
        Assert.Empty(schema.Validate(ToJson("model: {activation: relu, hidden: [3]}")));
    }

    private static string ToJson(string yaml)
    {
        object? graph = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize(yaml);
        return JsonSerializer.Serialize(graph);
    }
}
